import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expandStrategy, legSuffix } from './matrix.ts';
import type { JobRecord } from './run-workflow.ts';
import { verdicts, WorkflowFixture } from './workflow-fixture.ts';

const contexts = { github: { event: { list: '["a","b"]', none: '[]' } }, inputs: {} };
const legs = (matrix: unknown) => expandStrategy({ matrix }, contexts, 'job.strategy').legs;

describe('expandStrategy', () => {
  it('makes a leg of each combination, without the excluded ones and with the included', () => {
    expect(
      legs({
        fruit: ['apple', 'pear'],
        animal: ['cat', 'dog'],
        exclude: [{ fruit: 'pear', animal: 'dog' }],
        // The example of the documentation.
        include: [
          { color: 'green' },
          { color: 'pink', animal: 'cat' },
          { fruit: 'apple', shape: 'circle' },
          { fruit: 'banana' },
          { fruit: 'banana', animal: 'cat' },
        ],
      }),
    ).toEqual([
      { fruit: 'apple', animal: 'cat', color: 'pink', shape: 'circle' },
      { fruit: 'apple', animal: 'dog', color: 'green', shape: 'circle' },
      { fruit: 'pear', animal: 'cat', color: 'pink' },
      { fruit: 'banana' },
      { fruit: 'banana', animal: 'cat' },
    ]);
  });

  it('takes expressions for a vector, for the list of included legs and for the whole', () => {
    expect(legs({ x: '${{ fromJSON(github.event.list) }}' })).toEqual([{ x: 'a' }, { x: 'b' }]);
    expect(legs({ include: '${{ fromJSON(\'[{"x":1}]\') }}' })).toEqual([{ x: 1 }]);
    expect(legs('${{ fromJSON(\'{"x":[true]}\') }}')).toEqual([{ x: true }]);
    expect(expandStrategy({ 'max-parallel': '${{ 3 }}', 'fail-fast': false }, contexts, '').maxParallel).toBe(3);
  });

  it.each([
    [{ x: '${{ fromJSON(github.event.none) }}' }, /Matrix vector 'x' does not contain any values/],
    [{ include: [] }, /at least one vector/],
    [{ x: 'text' }, /matrix\.x is no list/],
    [{ x: Array.from({ length: 257 }, (_, index) => index) }, /makes 257 jobs/],
  ])('refuses %j', (matrix, message) => {
    expect(() => legs(matrix)).toThrow(message);
  });

  it('names a leg by its values', () => {
    expect(legSuffix(undefined)).toBe('');
    expect(legSuffix({ plugin: { name: 'a', tags: ['x', true] }, empty: '' })).toBe(' (a, x, true)');
  });
});

describe('a job with a matrix', () => {
  let fixture: WorkflowFixture;

  beforeEach(async () => {
    fixture = await WorkflowFixture.create();
  });

  afterEach(() => fixture.remove());

  it('runs as many jobs as an output of another one says', async () => {
    const result = await fixture.run(`
jobs:
  plan:
    runs-on: x
    outputs: { list: '\${{ steps.plan.outputs.list }}', none: '[]' }
    steps: [{ id: plan, run: 'echo ''list=[{"name":"a","size":1},{"name":"b","size":2}]'' >> "$GITHUB_OUTPUT"' }]
  each:
    needs: plan
    if: needs.plan.outputs.list != '[]'
    strategy: { matrix: { item: '\${{ fromJSON(needs.plan.outputs.list) }}' } }
    runs-on: x
    outputs: { a: '\${{ steps.say.outputs.a }}', b: '\${{ steps.say.outputs.b }}' }
    steps:
      - { id: say, run: 'echo "\${{ matrix.item.name }}=\${{ matrix.item.size }} of \${{ strategy.job-total }}" >> "$GITHUB_OUTPUT"' }
  named:
    name: named \${{ matrix.x }}
    strategy: { matrix: { x: [1] } }
    runs-on: x
    steps: [{ run: 'true' }]
  fixed:
    name: fixed
    strategy: { matrix: { x: [1] } }
    runs-on: x
    steps: [{ run: 'true' }]
  guarded:
    needs: plan
    if: needs.plan.outputs.none != '[]'
    strategy: { matrix: { x: '\${{ fromJSON(needs.plan.outputs.none) }}' } }
    runs-on: x
    steps: [{ run: 'true' }]
  empty:
    needs: plan
    strategy: { matrix: { x: '\${{ fromJSON(needs.plan.outputs.none) }}' } }
    runs-on: x
    steps: [{ run: 'true' }]
  after: { needs: each, runs-on: x, steps: [{ run: 'echo "\${{ needs.each.outputs.a }}, \${{ needs.each.outputs.b }}"' }] }
`);
    expect(verdicts(result)).toEqual({
      plan: 'success',
      'each (a, 1)': 'success',
      'each (b, 2)': 'success',
      'named 1': 'success',
      'fixed (1)': 'success',
      guarded: 'skipped',
      empty: 'failure',
      after: 'success',
    });
    expect(result.jobs.find(({ id }) => id === 'named (1)')).toBeDefined();
    expect(result.jobs.find(({ id }) => id === 'empty')?.error).toMatch(/vector 'x' does not contain any values/);
    expect(fixture.lines).toContain('after: 1 of 2, 2 of 2');
  });

  it('cancels the other legs when one has failed, unless it is told not to', async () => {
    const workflow = (strategy: string): string => `
jobs:
  each:
    strategy: { ${strategy} matrix: { x: [fails, waits, queued] } }
    runs-on: x
    steps:
      - if: matrix.x == 'fails'
        run: exit 1
      - run: \${{ matrix.x == 'waits' && 'exec sleep 60' || 'true' }}
  after: { needs: each, if: always(), runs-on: x, steps: [{ run: 'echo "\${{ needs.each.result }}"' }] }
`;
    const result = await fixture.run(workflow(''));
    expect(verdicts(result)).toMatchObject({
      'each (fails)': 'failure',
      'each (waits)': 'cancelled',
      after: 'success',
    });
    expect(fixture.lines).toContain('after: failure');
    const patient = await fixture.run(workflow('fail-fast: false,').replace('exec sleep 60', 'true'));
    expect(verdicts(patient)).toMatchObject({
      'each (fails)': 'failure',
      'each (waits)': 'success',
      'each (queued)': 'success',
    });
  });

  it('runs at most so many legs at once as it says', async () => {
    let [running, most] = [0, 0];
    const onJob = ({ status }: JobRecord): void => {
      running += { queued: 0, in_progress: 1, completed: -1 }[status];
      most = Math.max(most, running);
    };
    const workflow = (limit: number): string =>
      `jobs: { a: { strategy: { max-parallel: ${limit}, matrix: { x: [1, 2, 3] } }, runs-on: x, steps: [{ run: 'true' }] } }`;
    await fixture.run(workflow(1), { onJob, machines: 3 });
    expect(most).toBe(1);
    await fixture.run(workflow(3), { onJob, machines: 3 });
    expect(most).toBe(3);
  });
});
