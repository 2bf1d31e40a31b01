import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobRecord, JobRequest } from './run-workflow.ts';
import { verdicts, WorkflowFixture } from './workflow-fixture.ts';

let fixture: WorkflowFixture;

beforeEach(async () => {
  fixture = await WorkflowFixture.create();
});

afterEach(() => fixture.remove());

const TRUE = "runs-on: x, steps: [{ run: 'true' }]";

describe('runWorkflow', () => {
  it('runs jobs after those that they need, with their outputs and results', async () => {
    const result = await fixture.run(`
name: Main
on: push
env: { SHARED: shared }
jobs:
  last:
    needs: [first, second]
    if: \${{ !cancelled() }}
    runs-on: x
    steps: [{ run: 'echo "\${{ needs.first.outputs.text }} \${{ join(needs.*.result) }} \${{ needs.third.result }}"' }]
  first:
    runs-on: x
    outputs: { text: '\${{ steps.say.outputs.text }}' }
    steps: [{ id: say, run: 'echo "text=$SHARED $GITHUB_WORKFLOW $GITHUB_JOB" >> "$GITHUB_OUTPUT"' }]
  second: { needs: first, runs-on: x, steps: [{ run: exit 1 }] }
  third: { needs: second, ${TRUE} }
  fourth: { needs: third, ${TRUE} }
  rescue: { needs: fourth, if: failure(), ${TRUE} }
`);
    expect(result.result).toBe('failure');
    expect(verdicts(result)).toEqual({
      first: 'success',
      second: 'failure',
      third: 'skipped',
      fourth: 'skipped',
      rescue: 'success',
      last: 'success',
    });
    // What a job does not need itself it does not see.
    expect(fixture.lines).toContain('last: shared Main first success,failure ');
  });

  it('skips what needs a skipped job, however far away, unless the condition says otherwise', async () => {
    const result = await fixture.run(`
jobs:
  a: { if: false, ${TRUE} }
  b: { needs: a, if: always(), ${TRUE} }
  c: { needs: b, ${TRUE} }
  d: { needs: b, if: needs.b.result == 'success', ${TRUE} }
  e: { needs: b, if: always() && needs.b.result == 'success', ${TRUE} }
  f: { needs: a, if: success() || failure() || cancelled(), ${TRUE} }
`);
    const expected = { a: 'skipped', b: 'success', c: 'skipped', d: 'skipped', e: 'success', f: 'skipped' };
    expect(verdicts(result)).toEqual(expected);
    expect(result.result).toBe('success');
    expect((await fixture.run(`jobs: { a: { if: false, ${TRUE} } }`)).result).toBe('skipped');
  });

  it('asks for each job by its permissions and environment, and gives it what it is granted', async () => {
    const asked: JobRequest[] = [];
    const closed: string[] = [];
    const result = await fixture.run(
      `
permissions: { contents: read, issues: write }
env: { TARGET: '\${{ vars.TARGET }}' }
jobs:
  default:
    runs-on: x
    steps: [{ run: 'echo "$TARGET \${{ vars.TARGET }} \${{ secrets.KEY == ''run'' }}"' }]
  own:
    name: own \${{ github.event_name }}
    needs: default
    permissions: { pull-requests: write }
    environment: { name: 'produc\${{ ''tion'' }}', url: '\${{ steps.a.outputs.url }}' }
    runs-on: [self-hosted, '\${{ inputs.runner }}']
    env: { KEY: '\${{ secrets.KEY }}' }
    outputs: { leak: 'x \${{ secrets.KEY }}', fine: '\${{ secrets.KEY == ''environment'' }}' }
    steps: [{ run: 'echo "$KEY \${{ github.token }} \${{ secrets.GITHUB_TOKEN == github.token }} \${{ vars.TARGET }}"' }]
`,
      {
        inputs: { runner: 'big' },
        secrets: { KEY: 'run' },
        vars: { TARGET: 'staging' },
        openJob: async (job) => {
          asked.push(job);
          const granted =
            job.environment === undefined ? {} : { secrets: { KEY: 'environment' }, vars: { TARGET: 'prod' } };
          return { token: `secret-${job.id}`, ...granted, close: async () => void closed.push(job.id) };
        },
      },
    );
    expect(asked).toMatchObject([
      {
        id: 'default',
        environment: undefined,
        runsOn: ['x'],
        permissions: { contents: 'read', issues: 'write', checks: 'none' },
      },
      {
        id: 'own',
        name: 'own push',
        environment: 'production',
        runsOn: ['self-hosted', 'big'],
        permissions: { contents: 'none', issues: 'none', 'pull-requests': 'write' },
      },
    ]);
    expect(closed).toEqual(['default', 'own']);
    expect(fixture.lines).toEqual([
      'default: staging staging true',
      'own: *** *** true prod',
      "own: Warning: Skip output 'leak' since it may contain secret.",
    ]);
    expect(result.jobs[1]).toMatchObject({ name: 'own push', environment: 'production', outputs: { fine: 'true' } });
  });

  it('tells of each job as it is queued, begins and ends, at most so many at once', async () => {
    const told: string[] = [];
    let running = 0;
    let most = 0;
    const onJob = ({ id, status, result }: JobRecord): void => {
      told.push([id, status, result].filter((part) => part !== undefined).join(' '));
      running += { queued: 0, in_progress: 1, completed: -1 }[status];
      most = Math.max(most, running);
    };
    await fixture.run(`jobs: { a: { ${TRUE} }, b: { ${TRUE} }, c: { ${TRUE} } }`, { machines: 1, onJob });
    expect(most).toBe(1);
    expect(told.filter((line) => line.startsWith('c'))).toEqual(['c queued', 'c in_progress', 'c completed success']);
  });

  it('takes defaults from the step, the job and the workflow, in this order', async () => {
    const result = await fixture.run(`
defaults: { run: { shell: bash, working-directory: one } }
jobs:
  a:
    runs-on: x
    defaults: { run: { working-directory: 'two\${{ env.NOTHING }}' } }
    steps:
      - { working-directory: ., run: mkdir one two }
      - { run: 'echo "\${PWD##*/}"' }
      - { working-directory: one, run: 'echo "\${PWD##*/} \${GITHUB_WORKSPACE##*/}"' }
      - { run: 'false | true' }
  b: { runs-on: x, steps: [{ working-directory: ., run: mkdir one }, { run: 'echo "\${PWD##*/}"' }] }
`);
    expect(fixture.lines.toSorted()).toEqual(['a: one workspace', 'a: two', 'b: one']);
    expect(verdicts(result)).toEqual({ a: 'failure', b: 'success' });
  });

  it('goes on after a job that may fail', async () => {
    const result = await fixture.run(`
jobs:
  soft: { continue-on-error: true, runs-on: x, steps: [{ run: exit 1 }] }
  next: { needs: soft, runs-on: x, steps: [{ run: 'test "\${{ needs.soft.result }}" = success' }] }
`);
    expect(result.result).toBe('success');
    expect(verdicts(result)).toEqual({ soft: 'failure', next: 'success' });
  });

  it('ends steps and jobs whose time is up', async () => {
    const result = await fixture.run(
      `
jobs:
  step:
    runs-on: x
    steps:
      - { name: slow, id: slow, timeout-minutes: 0.001, run: exec sleep 60 }
      - { if: failure(), run: 'echo "\${{ steps.slow.outcome }}"' }
  job:
    timeout-minutes: 0.001
    runs-on: x
    steps: [{ run: 'exec sleep 60' }, { run: 'true' }, { if: always(), run: 'echo "\${{ job.status }}"' }]
`,
    );
    expect(verdicts(result)).toEqual({ step: 'failure', job: 'cancelled' });
    expect(fixture.lines).toContain("step: Error: The action 'slow' has timed out after 0.001 minutes.");
    expect(fixture.lines).toContain('step: failure');
    expect(fixture.lines).toContain('job: cancelled');
    expect(result.jobs.find(({ id }) => id === 'job')).toMatchObject({
      error: 'The job has exceeded the maximum execution time of 0.001 minutes.',
      steps: [{ outcome: 'cancelled' }, { outcome: 'skipped' }, { outcome: 'success' }],
    });
  });

  it('fails a job that cannot begin, and says why', async () => {
    const result = await fixture.run(
      `
jobs:
  condition: { if: 'fromJSON(''{'')', ${TRUE} }
  absent: { runs-on: x, steps: [{ uses: $/absent }] }
  refused: { ${TRUE} }
`,
      {
        openJob: async ({ id }) => {
          if (id === 'refused') throw new Error('no such environment');
          return { token: 'token-1', close: async () => undefined };
        },
      },
    );
    const reasons = Object.fromEntries(result.jobs.map(({ id, error }) => [id, error]));
    expect(reasons).toEqual({
      condition: expect.stringMatching(/jobs\.condition\.if: cannot evaluate/),
      absent: '.github/workflows/main.yml: jobs.absent.steps[0]: acme/plugins has no absent/action.yml',
      refused: 'no such environment',
    });
    expect(Object.values(verdicts(result))).toEqual(['failure', 'failure', 'failure']);
  });
});
