import { formatDuration } from '@slipway/core/util/units';

/** One step of the story, as `summary.json` has it. */
export interface StepRecord {
  readonly name: string;
  readonly seconds: number;
  readonly result: 'success' | 'failure';
}

/** Tells the story while it happens, and remembers how long each step took. */
export class Progress {
  readonly steps: StepRecord[] = [];

  say(text: string): void {
    console.log(`  ${text}`);
  }

  heading(text: string): void {
    console.log(`\n${text}`);
  }

  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    console.log(`▸ ${name}`);
    const started = performance.now();
    let result: StepRecord['result'] = 'failure';
    try {
      const value = await work();
      result = 'success';
      return value;
    } finally {
      const elapsed = performance.now() - started;
      this.steps.push({ name, seconds: Math.round(elapsed) / 1000, result });
      console.log(`  ${result === 'success' ? '✓' : '✗'} ${formatDuration(elapsed)}`);
    }
  }
}
