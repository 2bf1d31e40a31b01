import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { digestOf } from '../image/digest.ts';
import { describeTransfer, StepClock, TransferStatistics } from './transfer-statistics.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('names the blob that took longest, and what most of its time went to', () => {
  const statistics = new TransferStatistics();
  const move = (name: string, steps: Partial<Record<'reading' | 'writing' | 'retrying', number>>, commit: number) => {
    const clock = new StepClock();
    const blob = { digest: digestOf(name), size: 60_000_000 };
    statistics.begin(blob.digest, 'harbor.example.com/release/app', clock);
    for (const [step, milliseconds] of Object.entries(steps)) {
      vi.advanceTimersByTime(milliseconds);
      clock.add(step as 'reading', milliseconds);
    }
    vi.advanceTimersByTime(commit);
    statistics.end(blob, 'harbor.example.com/release/app', 'streamed');
    return statistics.report([], 0).slowest;
  };
  expect(move('first', { reading: 300, writing: 200 }, 100)).toMatchObject({
    blob: digestOf('first'),
    milliseconds: 600,
    waitedFor: 'reading',
    steps: { reading: 300, writing: 200, committing: 100, retrying: 0 },
  });
  expect(move('shorter', { writing: 500 }, 0)).toMatchObject({ blob: digestOf('first') });
  expect(move('committed', { reading: 100, writing: 100 }, 1800)).toMatchObject({ waitedFor: 'committing' });
  expect(move('tried', { reading: 1000, retrying: 2000 }, 0)).toMatchObject({ waitedFor: 'retrying' });
  expect(describeTransfer(statistics.report([], 0)).at(-1)).toEqual([
    'slowest blob',
    `sha256:${digestOf('tried').slice(7, 19)} to harbor.example.com/release/app, 60.0 MB in 3.0 s, 2.0 s of it for the next try`,
  ]);
});
