import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConcurrencyGroups } from './concurrency-groups.ts';
import type { WorkflowRunOptions, WorkflowRunResult } from './run-workflow.ts';
import { verdicts, WorkflowFixture } from './workflow-fixture.ts';

let fixture: WorkflowFixture;

beforeEach(async () => {
  fixture = await WorkflowFixture.create();
});

afterEach(() => fixture.remove());

/** Groups that say when somebody has come to one. */
class ObservedGroups extends ConcurrencyGroups {
  #arrived = Promise.withResolvers<void>();

  /** Resolves when somebody comes who has not been waited for yet. */
  async arrival(): Promise<void> {
    await this.#arrived.promise;
    this.#arrived = Promise.withResolvers();
  }

  override enter(...given: Parameters<ConcurrencyGroups['enter']>): ReturnType<ConcurrencyGroups['enter']> {
    const entry = super.enter(...given);
    this.#arrived.resolve();
    return entry;
  }
}

/** Runs whose job goes on until it is told to end. */
class Runs {
  readonly #text: string;
  readonly #groups = new ObservedGroups();
  readonly #runs: Promise<WorkflowRunResult>[] = [];

  constructor(head: string, job = '') {
    this.#text = `${head}
jobs:
  wait:
    ${job}
    runs-on: x
    steps: [{ name: wait, run: 'until [ -e "$GO/\${{ inputs.name }}" ]; do sleep 0.02; done' }]
`;
  }

  /** Starts a run; resolves when it has come to its group. */
  async start(name: string, options: Partial<WorkflowRunOptions> = {}): Promise<void> {
    const settings = {
      env: { GO: fixture.directory },
      inputs: { name },
      grace: 0,
      concurrency: this.#groups,
      ...options,
    };
    this.#runs.push(fixture.run(this.#text, settings));
    await this.#groups.arrival();
  }

  end(name: string): Promise<string> {
    return fixture.write(name, '');
  }

  async results(): Promise<string[]> {
    return (await Promise.all(this.#runs)).map(({ result }) => result);
  }
}

describe('concurrency of a workflow', () => {
  it('keeps one waiting and cancels those that waited before', async () => {
    const runs = new Runs('concurrency: deploy-${{ github.event_name }}');
    for (const name of ['a', 'b', 'c']) await runs.start(name);
    await runs.start('elsewhere', { github: { repository: 'acme/other', event_name: 'push' } });
    for (const name of ['elsewhere', 'a', 'c']) await runs.end(name);
    expect(await runs.results()).toEqual(['success', 'cancelled', 'success', 'success']);
  });

  it('cancels what is in progress when it is told to, as its inputs say', async () => {
    const runs = new Runs("concurrency: { group: Deploy, cancel-in-progress: '${{ inputs.name == ''b'' }}' }");
    await runs.start('a');
    await runs.start('b');
    await runs.end('b');
    expect(await runs.results()).toEqual(['cancelled', 'success']);
  });

  it('drops nobody with queue: max, and lets them in as they came', async () => {
    const runs = new Runs('concurrency: { group: deploy, queue: max }');
    const names = ['a', 'b', 'c', 'd'];
    const began: string[] = [];
    for (const name of names) {
      await runs.start(name, { onJob: ({ status }) => void (status === 'in_progress' && began.push(name)) });
    }
    for (const name of names) await runs.end(name);
    expect(await runs.results()).toEqual(['success', 'success', 'success', 'success']);
    expect(began).toEqual(names);
  });

  it('takes no more than a hundred', async () => {
    const { concurrency } = fixture;
    const wish = { group: 'g', cancelInProgress: false, queue: 'max' } as const;
    const enter = () => concurrency.enter('r', wish, () => undefined, new AbortController().signal);
    const holder = await enter();
    const waiting = Array.from({ length: 100 }, enter);
    expect(await enter()).toMatchObject({ entered: false, reason: expect.stringMatching(/is full/) });
    if (holder.entered) holder.leave();
    expect(await waiting[0]).toMatchObject({ entered: true });
  });

  it('stops waiting when the run is cancelled', async () => {
    const runs = new Runs('concurrency: { group: deploy, queue: max }');
    const abort = new AbortController();
    await runs.start('a');
    await runs.start('b', { signal: abort.signal });
    await runs.start('c');
    abort.abort();
    for (const name of ['a', 'c']) await runs.end(name);
    expect(await runs.results()).toEqual(['success', 'cancelled', 'success']);
  });
});

describe('concurrency of a job', () => {
  it('holds the group while the job runs, in all runs', async () => {
    const runs = new Runs('', 'concurrency: { group: "stage-${{ inputs.stage }}", queue: max }');
    await runs.start('a', { inputs: { name: 'a', stage: 1 } });
    await runs.start('b', { inputs: { name: 'b', stage: 1 } });
    await runs.start('c', { inputs: { name: 'c', stage: 2 } });
    for (const name of ['a', 'b', 'c']) await runs.end(name);
    expect(await runs.results()).toEqual(['success', 'success', 'success']);
  });

  it('can be of the matrix, and of a call', async () => {
    await fixture.write(
      '.github/workflows/called.yml',
      "on: workflow_call\njobs: { a: { runs-on: x, steps: [{ run: 'true' }] } }",
    );
    let [running, most] = [0, 0];
    const result = await fixture.run(
      `
jobs:
  call:
    strategy: { matrix: { x: [1, 2, 3] } }
    concurrency: { group: one, queue: max }
    uses: ./.github/workflows/called.yml
  legs:
    strategy: { matrix: { x: [1, 2, 3] } }
    concurrency: 'legs-\${{ matrix.x }}'
    runs-on: x
    steps: [{ run: 'true' }]
`,
      {
        machines: 9,
        onJob: ({ id, status }) => {
          if (!id.startsWith('call')) return;
          running += { queued: 0, in_progress: 1, completed: -1 }[status];
          most = Math.max(most, running);
        },
      },
    );
    expect(result.result).toBe('success');
    expect(Object.keys(verdicts(result))).toHaveLength(6);
    expect(most).toBe(1);
  });

  it('says so when a job waits for those who call it', async () => {
    const called = "on: workflow_call\njobs: { a: { concurrency: Deploy, runs-on: x, steps: [{ run: 'true' }] } }";
    await fixture.write('.github/workflows/called.yml', called);
    const result = await fixture.run('concurrency: deploy\njobs: { call: { uses: ./.github/workflows/called.yml } }');
    expect(result.jobs).toMatchObject([{ result: 'cancelled', error: expect.stringMatching(/deadlock/) }]);
  });

  it('may not both cancel and queue', async () => {
    const concurrency = 'concurrency: { group: a, queue: max, cancel-in-progress: true }';
    const job = `jobs: { a: { ${concurrency}, runs-on: x, steps: [{ run: 'true' }] } }`;
    await expect(fixture.run(job)).rejects.toThrow(/jobs\.a\.concurrency cannot have both/);
  });
});
