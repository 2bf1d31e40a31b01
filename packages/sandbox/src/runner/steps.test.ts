import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ActionFixture, APPEND } from './action-fixture.ts';
import { ConcurrencyGroups } from './concurrency-groups.ts';
import { runWorkflow, type WorkflowRunOptions } from './run-workflow.ts';
import { directoryTree } from './tree-reader.ts';

let fixture: ActionFixture;

beforeEach(async () => {
  fixture = await ActionFixture.create();
});

afterEach(() => fixture.remove());

const GITHUB = {
  repository: 'acme/plugins',
  event_name: 'pull_request',
  event: { pull_request: { number: 5 } },
};

/** Greets whom it is told to, and gives the greeting back. */
const GREET = `${APPEND}
const greeting = 'hello ' + process.env.INPUT_WHO;
console.log(greeting);
append('GITHUB_OUTPUT', 'greeting=' + greeting + '\\n');
append('GITHUB_STEP_SUMMARY', '# ' + greeting);
`;
const GREET_INPUTS =
  "inputs: { who: { description: a, required: true }, token: { description: b, default: '${{ github.token }}' } }";

/** Runs the one job of a workflow, and returns how it ended. */
async function run(text: string, options: Partial<WorkflowRunOptions> = {}) {
  const { jobs } = await runWorkflow({
    workflow: { path: 'workflow.yml', text, tree: directoryTree(fixture.directory) },
    actions: fixture.directory,
    github: GITHUB,
    openJob: async () => ({ token: 'job-token-1', close: async () => undefined }),
    concurrency: new ConcurrencyGroups(),
    ...options,
  });
  const [{ result, steps, error } = { result: undefined, steps: [], error: undefined }] = jobs;
  return { result, steps, error };
}

const job = (steps: string, head = ''): string =>
  `name: Check\n${head}\njobs:\n  check:\n    runs-on: ubuntu-latest\n    steps:\n${steps}`;

describe('the steps of a job', () => {
  it('runs actions and scripts, and hands outputs and environment on', async () => {
    await fixture.add('greet', GREET, GREET_INPUTS);
    const lines: string[] = [];
    const result = await run(
      job(
        `      - id: first
        uses: $/greet
        with: { who: 'number \${{ github.event.pull_request.number }}' }
      - name: second, \${{ steps.first.outcome }}
        uses: org/actions/greet@v1
        with: { who: '\${{ steps.first.outputs.greeting }}' }
      - id: script
        env: { OWN: step, TEXT: '\${{ env.SHARED }} \${{ vars.PLACE }}' }
        run: |
          echo "LATER=set by $OWN" >> "$GITHUB_ENV"
          echo "$PWD/bin" >> "$GITHUB_PATH"
          mkdir bin && printf '#!/bin/sh\\necho tool\\n' > bin/tool && chmod +x bin/tool
          echo "text=$TEXT $GITHUB_REPOSITORY $GITHUB_EVENT_NAME" >> "$GITHUB_OUTPUT"
      - id: after
        run: echo "seen=$LATER, $(tool), \${OWN:-no own}, \${GITHUB_TOKEN:-no token}" >> "$GITHUB_OUTPUT"
`,
        'env: { SHARED: shared }',
      ),
      { vars: { PLACE: 'here' }, onLine: (line, _, step) => lines.push(`${step}: ${line}`) },
    );
    expect(result.result).toBe('success');
    expect(result.steps.map(({ name }) => name)).toMatchObject([
      'Run $/greet',
      'second, success',
      'Run echo "LATER=set by $OWN" >> "$GITHUB_ENV"',
      expect.stringContaining('Run echo'),
    ]);
    expect(result.steps.map(({ outputs }) => outputs)).toEqual([
      { greeting: 'hello number 5' },
      { greeting: 'hello hello number 5' },
      { text: 'shared here acme/plugins pull_request' },
      { seen: 'set by step, tool, no own, no token' },
    ]);
    expect(result.steps[0]?.summary).toBe('# hello number 5');
    expect(lines[0]).toBe('Run $/greet: hello number 5');
  });

  it('goes on after a failure only where the condition says so', async () => {
    const result = await run(
      job(`      - { id: soft, run: exit 4, continue-on-error: true }
      - { run: 'test "\${{ steps.soft.outcome }}-\${{ steps.soft.conclusion }}" = failure-success' }
      - { name: soft pipe, run: 'false | true' }
      - { name: hard, shell: bash, run: 'false | true' }
      - { name: not reached, run: 'true' }
      - { name: reached, if: failure(), run: 'true' }
      - { name: always, if: 'always() && github.event_name == ''pull_request''', run: 'true' }
`),
    );
    expect(result.steps.map(({ outcome, result: conclusion }) => `${outcome} ${conclusion}`)).toEqual([
      'failure success',
      'success success',
      'success success',
      'failure failure',
      'skipped skipped',
      'success success',
      'success success',
    ]);
    expect(result.result).toBe('failure');
  });

  it('masks secrets in what it returns, but not for the next step', async () => {
    const lines: string[] = [];
    const result = await run(
      job(`      - { id: tell, env: { KEY: '\${{ secrets.KEY }}' }, run: 'echo "key=$KEY" | tee -a "$GITHUB_OUTPUT"' }
      - { env: { KEY: '\${{ steps.tell.outputs.key }}' }, run: 'test "$KEY" = open-sesame && echo "\${{ github.token }}"' }
`),
      { secrets: { KEY: 'open-sesame' }, onLine: (line) => lines.push(line) },
    );
    expect(result.result).toBe('success');
    expect(result.steps[0]?.outputs).toEqual({ key: '***' });
    expect(lines).toEqual(['key=***', '***']);
    expect(JSON.stringify(result)).not.toMatch(/open-sesame|job-token-1/);
  });

  it('does not run a job whose condition is false', async () => {
    const workflow = "jobs: { check: { if: github.event_name == 'push', runs-on: x, steps: [{ run: 'false' }] } }";
    expect(await run(workflow)).toMatchObject({ result: 'skipped', steps: [] });
  });

  it.each([
    ['{ uses: actions/checkout@v5 }', /steps\[0\]: 'actions\/checkout@v5' .* full commit id/],
    ['{ uses: docker/actions/greet@v1 }', /cannot run/],
    ['{ uses: $/../greet }', /cannot run/],
    ['{ uses: ./../greet }', /cannot run/],
    ['{ run: "true", if: "${{ nope }}" }', /steps\[0\]\.if: cannot evaluate/],
    ['{ run: "true", if: "secrets.KEY != \'\'" }', /steps\[0\]\.if: cannot evaluate/],
    ['{ run: "true", uses: $/greet }', /either 'uses' or 'run'/],
    ['{ run: "true", shell: pwsh }', /shell 'pwsh'/],
    ['{ run: "true", parallel: true }', /'parallel' is not supported/],
  ])('refuses the step %s', async (step, message) => {
    await fixture.add('greet', GREET, GREET_INPUTS);
    await expect(run(job(`      - ${step}\n`))).rejects.toThrow(message);
  });

  it.each([
    ['{ uses: $/greet }', /steps\[0\]: greet: input 'who' is required/],
    ['{ uses: $/greet, with: { who: "${{ fromJSON(\'{\') }}" } }', /steps\[0\]\.with\.who: cannot evaluate/],
    ['{ uses: ./here }', /actions\/checkout must come first, for the workspace has no here\/action\.yml/],
  ])('fails the step %s and says why', async (step, message) => {
    await fixture.add('greet', GREET, GREET_INPUTS);
    const result = await run(job(`      - ${step}\n`));
    expect(result.result).toBe('failure');
    expect(result.steps[0]?.annotations[0]?.message).toMatch(message);
  });

  it('lets no step put options into the node of the actions after it', async () => {
    await fixture.add('greet', GREET, GREET_INPUTS);
    const result = await run(
      job(`      - { id: evil, continue-on-error: true, run: 'echo "NODE_OPTIONS=--require=/evil.js" >> "$GITHUB_ENV"' }
      - { uses: $/greet, with: { who: '\${{ steps.evil.outcome }}' } }
`),
    );
    expect(result.steps[1]?.outputs).toEqual({ greeting: 'hello failure' });
  });
});
