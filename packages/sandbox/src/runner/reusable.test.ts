import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobRequest, WorkflowRunOptions } from './run-workflow.ts';
import { verdicts, WorkflowFixture } from './workflow-fixture.ts';

let fixture: WorkflowFixture;

beforeEach(async () => {
  fixture = await WorkflowFixture.create();
});

afterEach(() => fixture.remove());

/** A workflow to be called, which shows what comes to it. */
const CALLED = `
name: Called
on:
  workflow_call:
    inputs:
      who: { type: string, required: true }
      loud: { type: boolean, default: false }
      count: { type: number, default: 3 }
      list: { type: string, default: '["x"]' }
    secrets: { KEY: { required: true }, SPARE: { description: not required } }
    outputs: { said: { value: '\${{ jobs.say.outputs.said }}' }, how: { value: '\${{ jobs.say.result }}' } }
env: { WHO: '\${{ inputs.who }}' }
jobs:
  say:
    name: say it
    runs-on: \${{ fromJSON(inputs.list) }}
    outputs: { said: '\${{ steps.say.outputs.said }}' }
    steps:
      - id: say
        env: { KEY: '\${{ secrets.KEY }}', OTHER: '\${{ secrets.OTHER }}', SHARED: '\${{ env.SHARED }}' }
        run: |
          echo "said=hello $WHO" >> "$GITHUB_OUTPUT"
          echo "\${{ inputs.loud == true }} \${{ inputs.count == 3 && 'three' }} \${#KEY} [$OTHER$SHARED] \${{ github.workflow }}"
`;

const call = (rest: string, uses = './.github/workflows/called.yml'): string =>
  `name: Caller\nenv: { SHARED: shared }\njobs:\n  call:\n    uses: ${uses}\n${rest}`;

const run = (text: string, options: Partial<WorkflowRunOptions> = {}) =>
  fixture.run(text, { secrets: { KEY: 'key-1', OTHER: 'other-1' }, ...options });

describe('a workflow that is called', () => {
  it('gets what is passed, typed, and gives back its outputs', async () => {
    await fixture.write('.github/workflows/called.yml', CALLED);
    const result = await run(
      `${call(`    name: calling
    with: { who: '\${{ github.event_name }}', loud: '\${{ github.event_name == ''push'' }}' }
    secrets: { KEY: '\${{ secrets.KEY }}' }
`)}  after: { needs: call, runs-on: x, steps: [{ run: 'echo "\${{ needs.call.outputs.said }} \${{ needs.call.outputs.how }} \${{ needs.call.result }}"' }] }
`,
    );
    expect(fixture.lines).toEqual(['call / say: true three 5 [] Caller', 'after: hello push success success']);
    expect(result.jobs[0]).toMatchObject({ id: 'call / say', name: 'calling / say it', workflow: 'Caller' });
  });

  it('is found in the assembled tree, and called once for each leg', async () => {
    await fixture.write('.github/workflows/called.yml', CALLED);
    const text = call(
      `    strategy: { matrix: { plugin: [a, b] } }
    with: { who: '\${{ matrix.plugin }}', list: '["self-hosted","big"]' }
    secrets: { KEY: k }
`,
      'org/actions/.github/workflows/called.yml@v1',
    );
    const tree = { name: 'a repository without it', read: async () => undefined };
    const result = await run(text, { workflow: { path: 'main.yml', text, tree } });
    expect(verdicts(result)).toEqual({ 'call (a) / say it': 'success', 'call (b) / say it': 'success' });
  });

  it('can be skipped, fail and be waited for as one job', async () => {
    const steps = 'runs-on: x, steps: [{ run: exit 1 }]';
    await fixture.write(
      '.github/workflows/called.yml',
      `on: { workflow_call: }\njobs: { one: { ${steps} }, two: { needs: one, ${steps} } }`,
    );
    const result = await fixture.run(`
jobs:
  off: { if: false, uses: ./.github/workflows/called.yml }
  call: { uses: ./.github/workflows/called.yml }
  after: { needs: call, ${steps} }
  always: { needs: [call, off], if: always(), runs-on: x, steps: [{ run: 'echo \${{ join(needs.*.result) }}' }] }
`);
    expect(verdicts(result)).toEqual({
      off: 'skipped',
      'call / one': 'failure',
      'call / two': 'skipped',
      after: 'skipped',
      always: 'success',
    });
    expect(fixture.lines).toEqual(['always: failure,skipped']);
  });

  it('has at most the permissions of its caller', async () => {
    const called = (permissions: string): string =>
      `on: workflow_call\njobs: { a: { ${permissions} runs-on: x, steps: [{ run: 'true' }] } }`;
    const asked: JobRequest[] = [];
    const options: Partial<WorkflowRunOptions> = {
      openJob: async (job) => {
        asked.push(job);
        return { token: 't', close: async () => undefined };
      },
    };
    const caller =
      'permissions: {}\njobs: { call: { permissions: { checks: write, contents: read }, uses: ./.github/workflows/called.yml } }';
    await fixture.write('.github/workflows/called.yml', called('permissions: { checks: read },'));
    await fixture.run(caller, options);
    await fixture.write('.github/workflows/called.yml', called(''));
    await fixture.run(caller, options);
    expect(asked.map(({ permissions }) => permissions)).toMatchObject([
      { checks: 'read', contents: 'none' },
      { checks: 'write', contents: 'read' },
    ]);
    await fixture.write('.github/workflows/called.yml', called('permissions: { contents: write, issues: read },'));
    await expect(fixture.run(caller, options)).rejects.toThrow(
      "The job 'a' of .github/workflows/called.yml is requesting 'contents: write, issues: read', but is only allowed 'contents: read, issues: none'",
    );
    await fixture.write('.github/workflows/called.yml', `permissions: read-all\n${called('permissions: {},')}`);
    await expect(fixture.run(caller, options)).rejects.toThrow(/The workflow '.*' is requesting 'actions: read/);
  });

  it("gets an environment's value of those secrets only that are passed to it", async () => {
    await fixture.write(
      '.github/workflows/called.yml',
      CALLED.replace('runs-on', 'environment: production\n    runs-on'),
    );
    await run(call('    with: { who: a }\n    secrets: { KEY: repository }\n'), {
      openJob: async () => ({
        token: 'token-1',
        secrets: { KEY: 'env', OTHER: 'hidden' },
        close: async () => undefined,
      }),
    });
    expect(fixture.lines).toEqual(['call / say: false three 3 [] Caller']);
  });

  it("gets the calling run's token under another name as the token of each of its jobs", async () => {
    const called = `on: { workflow_call: { secrets: { token: { required: true } } } }
jobs: { a: { runs-on: x, steps: [{ run: 'echo "\${{ secrets.token == github.token }} \${{ secrets.token }}"' }] } }`;
    await fixture.write('.github/workflows/called.yml', called);
    await run(call("    secrets: { token: '${{ secrets.GITHUB_TOKEN }}' }\n"));
    expect(fixture.lines).toEqual(['call / a: true ***']);
  });

  it.each([
    ['    with: { who: a }', /jobs\.call\.secrets: secret 'KEY' of .* is required/],
    ['    secrets: { KEY: k }', /jobs\.call\.with: input 'who' of .* is required/],
    ['    with: { who: a, wo: b }\n    secrets: { KEY: k }', /has no input 'wo'/],
    ['    with: { who: a }\n    secrets: { KEY: k, TOKEN: t }', /has no secret 'TOKEN'/],
    ['    with: { who: a }\n    secrets: inherit', /'inherit' is not supported/],
    ['    runs-on: x', /'runs-on' is not supported/],
    ["    if: secrets.KEY != ''", /jobs\.call\.if: cannot evaluate/],
  ])('refuses a call with %j', async (rest, message) => {
    await fixture.write('.github/workflows/called.yml', CALLED);
    await expect(run(call(rest))).rejects.toThrow(message);
    expect(fixture.lines).toEqual([]);
  });

  it('fails a call whose values have the wrong type when they are known', async () => {
    await fixture.write('.github/workflows/called.yml', CALLED);
    const result = await run(call("    with: { who: a, loud: '${{ github.event_name }}' }\n    secrets: { KEY: k }"));
    expect(result.jobs).toMatchObject([
      { id: 'call', result: 'failure', error: expect.stringMatching(/"push" is no boolean/) },
    ]);
  });

  it.each([
    ['./.github/workflows/absent.yml', /acme\/plugins has no \.github\/workflows\/absent\.yml/],
    ['acme/other/.github/workflows/x.yml@v1', /cannot call 'acme\/other/],
    ['./other/called.yml', /cannot call/],
    ['./.github/workflows/plain.yml', /has no 'on\.workflow_call'/],
    ['./.github/workflows/self.yml', /over 4 levels at most/],
  ])('refuses to call %s', async (uses, message) => {
    await fixture.write(
      '.github/workflows/plain.yml',
      "on: push\njobs: { a: { runs-on: x, steps: [{ run: 'true' }] } }",
    );
    await fixture.write(
      '.github/workflows/self.yml',
      'on: workflow_call\njobs: { a: { uses: ./.github/workflows/self.yml } }',
    );
    await expect(run(call('', uses))).rejects.toThrow(message);
  });
});
