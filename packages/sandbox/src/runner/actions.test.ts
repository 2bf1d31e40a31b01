import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAction } from './run-action.ts';
import { WorkflowFixture } from './workflow-fixture.ts';

let fixture: WorkflowFixture;

beforeEach(async () => {
  fixture = await WorkflowFixture.create();
});

afterEach(() => fixture.remove());

/** Says which of its scripts runs, what it is told, and what the script before has left. */
const SPEAK = (phase: string): string => `
import { appendFileSync } from 'node:fs';
console.log('${phase}', process.env.INPUT_WHO, process.env.STATE_seen ?? '-', process.env.GITHUB_JOB);
appendFileSync(process.env.GITHUB_STATE, 'seen=' + (process.env.STATE_seen ?? '') + '${phase[0]}\\n');
appendFileSync(process.env.GITHUB_OUTPUT, '${phase}=done\\n');
if (process.env.INPUT_FAIL === '${phase}') process.exitCode = 1;
`;

async function addAction(name: string, runs: string): Promise<void> {
  const inputs = 'inputs: { who: { description: a, default: nobody }, fail: { description: b, default: none } }';
  await fixture.write(
    `${name}/action.yml`,
    `name: ${name}\ndescription: d\n${inputs}\nruns: { using: node24, ${runs} }\n`,
  );
  await fixture.write(`${name}/dist/package.json`, '{"type":"module"}');
  for (const phase of ['pre', 'main', 'post']) await fixture.write(`${name}/dist/${phase}.js`, SPEAK(phase));
}

const ALL = 'pre: dist/pre.js, main: dist/main.js, post: dist/post.js';

describe('actions with scripts before and after', () => {
  it('runs them around all steps, the last first in the end, with what they have left', async () => {
    await addAction('full', ALL);
    await addAction('late', 'main: dist/main.js, post: dist/post.js');
    const result = await fixture.run(`
jobs:
  a:
    runs-on: x
    steps:
      - { run: echo between }
      - { id: full, uses: $/full, with: { who: first } }
      - { uses: org/actions/late@v1, with: { who: second } }
      - { uses: $/late, if: false, with: { who: third } }
      - { run: 'echo "\${{ toJSON(steps.full.outputs) }}" | tr -d " \\n"; echo' }
`);
    expect(fixture.lines).toEqual([
      'a: pre first - a',
      'a: between',
      'a: main first p a',
      'a: main second - a',
      'a: {main:done}',
      'a: post second m a',
      'a: post first pm a',
    ]);
    expect(result.jobs[0]?.steps.map(({ name }) => name)).toEqual([
      'Pre Run $/full',
      'Run echo between',
      'Run $/full',
      'Run org/actions/late@v1',
      'Run $/late',
      expect.stringContaining('Run echo'),
      'Post Run org/actions/late@v1',
      'Post Run $/full',
    ]);
  });

  it('cleans up after a failure, under the condition that the action says', async () => {
    await addAction('full', ALL);
    await addAction('careful', 'main: dist/main.js, post: dist/post.js, post-if: success()');
    const result = await fixture.run(`
jobs:
  a:
    runs-on: x
    steps: [{ uses: $/careful }, { uses: $/full, with: { fail: main } }, { run: echo not reached }]
  b: { runs-on: x, steps: [{ uses: $/full, with: { fail: post } }] }
`);
    expect(fixture.lines.filter((line) => line.startsWith('a'))).toEqual([
      'a: pre nobody - a',
      'a: main nobody - a',
      'a: main nobody p a',
      'a: post nobody pm a',
    ]);
    expect(result.jobs.map((job) => job.result)).toEqual(['failure', 'failure']);
  });

  it('runs them when the action is run alone, too', async () => {
    await addAction('full', ALL);
    const result = await runAction({ directory: join(fixture.directory, 'full'), inputs: { who: 'me' }, env: {} });
    expect(result.log).toBe('pre me - undefined\nmain me p undefined\npost me pm undefined');
    expect(result).toMatchObject({ exitCode: 0, outputs: { pre: 'done', main: 'done', post: 'done' } });
    const failing = await runAction({ directory: join(fixture.directory, 'full'), inputs: { fail: 'pre' }, env: {} });
    expect(failing).toMatchObject({ exitCode: 1, log: 'pre nobody - undefined\npost nobody p undefined' });
  });
});

describe('where actions are found', () => {
  it("takes $/ from the workflow's own tree, which need not be on disk", async () => {
    await addAction('full', ALL);
    await addAction('elsewhere', ALL);
    const text = 'jobs: { a: { runs-on: x, steps: [{ uses: $/full, with: { who: me } }] } }';
    const read = (path: string): Promise<string> =>
      readFile(join(fixture.directory, path.replace('full', 'elsewhere')), 'utf8');
    const workflow = { path: 'main.yml', text, tree: { name: 'acme/plugins at abc', read } };
    const result = await fixture.run(text, { workflow, actions: join(fixture.directory, 'none') });
    expect(result.result).toBe('success');
    expect(fixture.lines).toEqual(['a: pre me - a', 'a: main me p a', 'a: post me pm a']);
    const empty = { ...workflow, tree: { name: 'acme/plugins at abc', read: async () => undefined } };
    const absent = await fixture.run(text, { workflow: empty });
    expect(absent.jobs[0]?.error).toMatch(/steps\[0\]: acme\/plugins at abc has no full\/action\.yml/);
  });

  it('takes $/ of a workflow in the assembled tree from there', async () => {
    await addAction('full', ALL);
    const called = 'on: workflow_call\njobs: { a: { runs-on: x, steps: [{ uses: $/full }] } }';
    await fixture.write('.github/workflows/called.yml', called);
    const text = 'jobs: { call: { uses: org/actions/.github/workflows/called.yml@v1 } }';
    const tree = { name: 'acme/plugins', read: async () => undefined };
    expect((await fixture.run(text, { workflow: { path: 'main.yml', text, tree } })).result).toBe('success');
  });

  it('takes ./ from the workspace, when its turn comes', async () => {
    await addAction('full', 'main: dist/main.js, post: dist/post.js');
    const result = await fixture.run(
      `
jobs:
  a:
    runs-on: x
    steps:
      - { run: 'cp -r "$FROM/full" mine' }
      - { uses: ./mine, with: { who: me } }
  b: { runs-on: x, steps: [{ uses: ./mine }] }
`,
      { env: { FROM: fixture.directory } },
    );
    expect(fixture.lines).toEqual(expect.arrayContaining(['a: main me - a', 'a: post me m a']));
    expect(result.jobs.map((job) => job.result)).toEqual(['success', 'failure']);
  });
});
