import { existsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasEnded } from './process-fixture.ts';
import type { WorkflowRunOptions } from './run-workflow.ts';
import { verdicts, WorkflowFixture } from './workflow-fixture.ts';

let fixture: WorkflowFixture;

beforeEach(async () => {
  fixture = await WorkflowFixture.create();
});

afterEach(() => fixture.remove());

/** Runs a workflow, cancels it when a line says so, and then makes the file `cancelled`. */
function runAndCancel(text: string, options: Partial<WorkflowRunOptions> = {}) {
  const abort = new AbortController();
  const onLine = (line: string, job: string): void => {
    fixture.lines.push(`${job}: ${line}`);
    if (line !== 'now') return;
    abort.abort();
    writeFileSync(join(fixture.directory, 'cancelled'), '');
  };
  return fixture.run(text, { signal: abort.signal, onLine, ...options });
}

/** A process that leaves its group and its session, and does not care for signals. */
const DAEMON = `setsid bash -c 'trap "" INT TERM; echo $$ > "$OUT/pid"; while :; do sleep 1; done' > /dev/null 2>&1 &
          until [ -s "$OUT/pid" ]; do sleep 0.01; done`;

describe('a run that is cancelled', () => {
  it('stops what is running, and runs what always runs', async () => {
    const result = await runAndCancel(`
jobs:
  works:
    runs-on: x
    steps:
      - { id: slow, shell: bash, run: 'trap "echo got it; exit 0" INT; echo now; while :; do sleep 0.02; done' }
      - { run: echo not reached }
      - { if: failure(), run: echo not reached }
      - { if: cancelled(), run: 'echo "cancelled, \${{ steps.slow.outcome }}"' }
      - { if: always(), run: 'echo "always, \${{ job.status }}"' }
  next: { needs: works, runs-on: x, steps: [{ run: 'true' }] }
  sweep: { needs: works, if: always(), runs-on: x, steps: [{ run: 'echo "swept after \${{ needs.works.result }}"' }] }
`);
    expect(result.result).toBe('cancelled');
    expect(verdicts(result)).toEqual({ works: 'cancelled', next: 'skipped', sweep: 'success' });
    expect(fixture.lines).toEqual([
      'works: now',
      'works: got it',
      'works: cancelled, cancelled',
      'works: always, cancelled',
      'sweep: swept after cancelled',
    ]);
  });

  it('lets a job and a step go on that always run', async () => {
    const wait = 'until [ -e "$OUT/cancelled" ]; do sleep 0.01; done';
    const result = await runAndCancel(
      `
jobs:
  job: { if: always(), runs-on: x, steps: [{ run: '${wait}; echo job' }] }
  next: { needs: job, runs-on: x, steps: [{ run: echo not reached }] }
  step: { runs-on: x, steps: [{ if: always(), run: 'echo now; ${wait}; echo step' }, { run: echo not reached }] }
`,
      { env: { OUT: fixture.directory } },
    );
    expect(verdicts(result)).toEqual({ job: 'success', next: 'cancelled', step: 'cancelled' });
    expect(fixture.lines.toSorted()).toEqual(['job: job', 'step: now', 'step: step']);
  });

  it('cancels jobs that wait for a machine', async () => {
    const job = "runs-on: x, steps: [{ run: 'echo now; exec sleep 60' }]";
    const result = await runAndCancel(`jobs: { a: { ${job} }, b: { ${job} } }`, { machines: 1 });
    expect(verdicts(result)).toEqual({ a: 'cancelled', b: 'cancelled' });
  });

  it('is cancelled even when a job has failed before', async () => {
    const wait = 'until [ -e "$OUT/failed" ]; do sleep 0.01; done; echo now; exec sleep 60';
    const result = await runAndCancel(
      `jobs:
  bad: { runs-on: x, steps: [{ run: exit 1 }] }
  mark: { needs: bad, if: always(), runs-on: x, steps: [{ run: 'touch "$OUT/failed"' }] }
  slow: { runs-on: x, steps: [{ run: '${wait}' }] }
`,
      { env: { OUT: fixture.directory } },
    );
    expect(verdicts(result)).toEqual({ bad: 'failure', mark: 'success', slow: 'cancelled' });
    expect(result.result).toBe('cancelled');
  });

  it('cancels the jobs of a called workflow', async () => {
    const called = "on: workflow_call\njobs: { a: { runs-on: x, steps: [{ run: 'echo now; exec sleep 60' }] } }";
    await fixture.write('.github/workflows/called.yml', called);
    const result = await runAndCancel('jobs: { call: { uses: ./.github/workflows/called.yml } }');
    expect(result.result).toBe('cancelled');
    expect(verdicts(result)).toEqual({ 'call / a': 'cancelled' });
  });

  it('kills what does not care', async () => {
    const deaf = 'trap "" INT TERM; echo now; while :; do sleep 0.05; done';
    const result = await runAndCancel(`jobs: { a: { runs-on: x, steps: [{ run: '${deaf}' }] } }`, { grace: 50 });
    expect(result.result).toBe('cancelled');
  });
});

describe('a job that ends', () => {
  it('takes with it whatever it has started', async () => {
    const result = await fixture.run(
      `
jobs:
  a:
    runs-on: x
    steps:
      - run: |
          ${DAEMON}
          sleep 60 &
      - { run: 'kill -0 "$(cat "$OUT/pid")" && echo still there' }
`,
      { env: { OUT: fixture.directory } },
    );
    expect(result.result).toBe('success');
    expect(fixture.lines).toEqual(['a: still there']);
    const pid = Number(await readFile(join(fixture.directory, 'pid'), 'utf8'));
    expect(await hasEnded(pid)).toBe(true);
  });
});

describe('a machine that dies', () => {
  const WORKFLOW = `
jobs:
  first:
    runs-on: x
    outputs: { made: first }
    steps: [{ name: one, run: 'echo one >> "$OUT/log"' }]
  second:
    needs: first
    runs-on: x
    steps:
      - { name: two, run: 'echo two >> "$OUT/log"; echo began; sleep \${{ inputs.slow && 60 || 0 }}' }
      - { name: three, if: always(), run: 'echo "three \${{ needs.first.outputs.made }}" >> "$OUT/log"' }
  third: { needs: second, runs-on: x, steps: [{ run: 'echo four >> "$OUT/log"' }] }
  other: { runs-on: x, steps: [{ run: 'true' }] }
`;
  const log = async (): Promise<string[]> =>
    (await readFile(join(fixture.directory, 'log'), 'utf8')).trim().split('\n');
  const run = (options: Partial<WorkflowRunOptions>) =>
    fixture.run(WORKFLOW, { env: { OUT: fixture.directory }, ...options });

  it('fails its job between two steps, and a re-run does what is missing', async () => {
    const dead = await run({ killer: { atStep: (job, step) => job === 'second' && step === 1 } });
    expect(verdicts(dead)).toEqual({ first: 'success', second: 'failure', third: 'skipped', other: 'success' });
    expect(dead.jobs.find(({ id }) => id === 'second')?.error).toMatch(/runner lost/);
    expect(await log()).toEqual(['one', 'two']);
    const told: string[] = [];
    const again = await run({
      previous: dead,
      onJob: ({ id, status }) => void (status === 'completed' && told.push(id)),
    });
    expect(again.result).toBe('success');
    expect(await log()).toEqual(['one', 'two', 'two', 'three first', 'four']);
    expect(told).toEqual(['second', 'third']);
    expect(again.jobs.find(({ id }) => id === 'first')).toBe(dead.jobs.find(({ id }) => id === 'first'));
  });

  it('can die when all is done and the result is not yet told', async () => {
    const dead = await run({ killer: { atStep: (job, _, name) => job === 'second' && name === 'Complete job' } });
    expect(verdicts(dead)).toMatchObject({ second: 'failure', third: 'skipped' });
    expect(await log()).toEqual(['one', 'two', 'three first']);
  });

  it('can die in the middle of a step, at a line or at a moment, with everything that runs on it', async () => {
    const atLine = await run({ inputs: { slow: true }, killer: { atLine: (line) => line === 'began' } });
    expect(verdicts(atLine)).toMatchObject({ second: 'failure', third: 'skipped' });
    const moment = Promise.withResolvers<void>();
    const during = await run({
      inputs: { slow: true },
      killer: { during: (job, name) => (job === 'second' && name === 'two' ? moment.promise : undefined) },
      onLine: () => moment.resolve(),
    });
    expect(verdicts(during)).toMatchObject({ second: 'failure', third: 'skipped' });
    expect(await log()).toEqual(['one', 'two', 'one', 'two']);
  });

  it('takes processes with it that have left their group', async () => {
    const daemon = `jobs:\n  a:\n    runs-on: x\n    steps:\n      - run: |\n          ${DAEMON}\n          echo began; sleep 60\n`;
    await fixture.run(daemon, { env: { OUT: fixture.directory }, killer: { atLine: () => true } });
    expect(existsSync(join(fixture.directory, 'pid'))).toBe(true);
    expect(await hasEnded(Number(await readFile(join(fixture.directory, 'pid'), 'utf8')))).toBe(true);
  });
});

describe('a re-run', () => {
  it('runs a called workflow again when something that the call needs has run again', async () => {
    const called = 'on: workflow_call\njobs: { a: { runs-on: x, steps: [{ run: echo called }] } }';
    await fixture.write('.github/workflows/called.yml', called);
    const workflow = `
jobs:
  first: { runs-on: x, steps: [{ run: 'test "$TRY" = 2' }] }
  call: { needs: first, if: always(), uses: ./.github/workflows/called.yml }
`;
    const previous = await fixture.run(workflow, { env: { TRY: '1' } });
    expect(verdicts(previous)).toEqual({ first: 'failure', 'call / a': 'success' });
    expect((await fixture.run(workflow, { env: { TRY: '2' }, previous })).result).toBe('success');
    expect(fixture.lines).toEqual(['call / a: called', 'call / a: called']);
  });

  it('does not wait for the group of a call of which nothing is left to do', async () => {
    const called = "on: workflow_call\njobs: { a: { runs-on: x, steps: [{ run: 'true' }] } }";
    await fixture.write('.github/workflows/called.yml', called);
    const workflow = `
jobs:
  call: { concurrency: deploy, uses: ./.github/workflows/called.yml }
  bad: { runs-on: x, steps: [{ run: 'test "$TRY" = 2' }] }
`;
    const previous = await fixture.run(workflow, { env: { TRY: '1' } });
    const { signal } = new AbortController();
    const wish = { group: 'deploy', cancelInProgress: false, queue: 'single' } as const;
    await fixture.concurrency.enter('acme/plugins', wish, () => undefined, signal);
    expect((await fixture.run(workflow, { env: { TRY: '2' }, previous })).result).toBe('success');
  });

  it('runs failed legs and failed jobs of called workflows only, and what needs them', async () => {
    await fixture.write(
      '.github/workflows/called.yml',
      `
on: { workflow_call: { outputs: { made: { value: '\${{ jobs.good.outputs.made }}' } } } }
jobs:
  good: { runs-on: x, outputs: { made: '\${{ steps.make.outputs.made }}' }, steps: [{ id: make, run: 'echo "made=$TRY" >> "$GITHUB_OUTPUT"' }] }
  bad: { runs-on: x, steps: [{ run: 'test "$TRY" = 2' }] }
`,
    );
    const workflow = `
jobs:
  legs:
    strategy: { fail-fast: false, matrix: { x: [1, 2] } }
    runs-on: x
    outputs: { one: '\${{ matrix.x == 1 && steps.say.outputs.try || '''' }}' }
    steps: [{ id: say, run: 'echo "try=$TRY" >> "$GITHUB_OUTPUT"' }, { run: 'test "$TRY" -ge \${{ matrix.x }}' }]
  call: { uses: ./.github/workflows/called.yml }
  after:
    needs: [legs, call]
    runs-on: x
    steps: [{ run: 'echo "\${{ needs.legs.outputs.one }} \${{ needs.call.outputs.made }}"' }]
  skipped: { if: false, runs-on: x, steps: [{ run: 'true' }] }
`;
    const first = await fixture.run(workflow, { env: { TRY: '1' } });
    expect(verdicts(first)).toEqual({
      'legs (1)': 'success',
      'legs (2)': 'failure',
      'call / good': 'success',
      'call / bad': 'failure',
      after: 'skipped',
      skipped: 'skipped',
    });
    const told = new Set<string>();
    const second = await fixture.run(workflow, { env: { TRY: '2' }, previous: first, onJob: ({ id }) => told.add(id) });
    expect(second.result).toBe('success');
    expect([...told].toSorted()).toEqual(['after', 'call / bad', 'legs (2)']);
    expect(fixture.lines).toEqual(['after: 1 1']);
    expect(second.jobs).toHaveLength(6);
  });
});
