import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitFiles } from '../../github/seed.ts';
import { type GitHubServer, startGitHub } from '../../github/server.ts';
import type { WorkflowRunOptions } from '../run-workflow.ts';
import { verdicts, WorkflowFixture } from '../workflow-fixture.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const CHECKOUT = `actions/checkout@${COMMIT}`;
const UPLOAD = `actions/upload-artifact@${COMMIT}`;
const DOWNLOAD = `actions/download-artifact@${COMMIT}`;

let fixture: WorkflowFixture;

beforeEach(async () => {
  fixture = await WorkflowFixture.create();
});

afterEach(() => fixture.remove());

/** The lines that steps have printed, without what stand-ins say about themselves. */
const said = (): string[] => fixture.lines.filter((line) => line.startsWith('a: > '));

describe('the stand-in for actions/checkout', () => {
  let directory: string;
  let github: GitHubServer;
  let commits: { readonly first: string; readonly second: string; readonly side: string };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slipway-github-'));
    github = await startGitHub({
      directory,
      repositories: { 'acme/plugins': { private: true }, 'acme/other': { private: true } },
      tokens: [
        { token: 'reader', login: 'ci[bot]', repositories: ['acme/plugins'], permissions: { contents: 'read' } },
        { token: 'nothing', login: 'ci[bot]', repositories: ['acme/plugins'], permissions: {} },
      ],
    });
    const path = github.repositoryPath('acme/plugins');
    const first = await commitFiles(path, 'main', { file: 'one' }, { message: 'One' });
    const second = await commitFiles(path, 'main', { file: 'two' }, { message: 'Two' });
    const side = await commitFiles(path, 'side', { file: 'side' }, { message: 'Side', parent: first });
    commits = { first, second, side };
    await commitFiles(github.repositoryPath('acme/other'), 'main', { file: 'other' }, { message: 'Other' });
  });

  afterEach(async () => {
    await github.close();
    await rm(directory, { recursive: true, force: true });
  });

  const run = (steps: string, token = 'reader', options: Partial<WorkflowRunOptions> = {}) =>
    fixture.run(`jobs:\n  a:\n    runs-on: x\n    steps:\n${steps}`, {
      github: {
        repository: 'acme/plugins',
        server_url: github.serverUrl,
        sha: commits.second,
        ref: 'refs/heads/main',
        event_name: 'push',
        event: {},
      },
      openJob: async () => ({ token, close: async () => undefined }),
      ...options,
    });

  it("brings the run's commit, with the job's token, and says what it is", async () => {
    const result = await run(`
      - { run: echo left > stale }
      - { id: here, uses: ${CHECKOUT} }
      - { run: 'echo "> $(cat file) $(git branch --show-current) $(git rev-list --count HEAD) $(ls)"' }
      - { run: 'git ls-remote --quiet origin > /dev/null && echo "> still knows who it is"' }
      - { uses: ${CHECKOUT}, with: { persist-credentials: false, fetch-depth: 0 } }
      - { run: 'git rev-list --count HEAD; git config --get-regexp extraheader || echo "> forgot"' }
      - { env: { GIT_TERMINAL_PROMPT: 0 }, run: 'git ls-remote origin > /dev/null 2>&1 || echo "> is nobody"' }
`);
    expect(result.result).toBe('success');
    expect(said()).toEqual(['a: > two main 1 file', 'a: > still knows who it is', 'a: > forgot', 'a: > is nobody']);
    expect(fixture.lines).toContain("a: This is the sandbox's stand-in for actions/checkout.");
    expect(fixture.lines).toContain('a: 2');
    expect(result.jobs[0]?.steps[1]?.outputs).toEqual({ commit: commits.second, ref: 'refs/heads/main' });
    expect(JSON.stringify(result)).not.toContain('reader');
  });

  it('brings a branch, a commit or a full ref to a directory', async () => {
    await run(`
      - { uses: ${CHECKOUT}, with: { ref: side, path: one } }
      - { uses: ${CHECKOUT}, with: { ref: ${commits.first}, path: deep/two } }
      - { uses: ${CHECKOUT}, with: { ref: refs/heads/main, path: three } }
      - { run: 'echo "> $(cat one/file deep/two/file three/file) $(git -C one branch --show-current)"' }
`);
    expect(said()).toEqual(['a: > sideonetwo side']);
  });

  it.each([
    ['with a token that may not read', '', 'nothing'],
    ['of a repository that the token does not reach', 'repository: acme/other', 'reader'],
    ['of a branch that is not there', 'ref: absent', 'reader'],
    ['to a place outside of the workspace', 'path: ../out', 'reader'],
  ])('fails %s', async (_, inputs, token) => {
    const result = await run(`      - { uses: ${CHECKOUT}, with: { ${inputs} } }\n`, token);
    expect(result.result).toBe('failure');
    expect(result.jobs[0]?.steps[0]?.annotations).toMatchObject([{ level: 'error' }]);
  });

  it.each([
    [`repository: 'evil/plugins'`, true],
    [`ref: '\${{ github.event.pull_request.head.sha }}'`, true],
    ['ref: refs/pull/1/merge', true],
    ['ref: main', false],
  ])('never brings files of a fork to a workflow with rights: %s', async (inputs, refused) => {
    const side = (name: string, sha: string) => ({ sha, repo: { full_name: name } });
    const event = {
      pull_request: { head: side('evil/plugins', commits.side), base: side('acme/plugins', commits.second) },
    };
    const github_ = {
      repository: 'acme/plugins',
      server_url: github.serverUrl,
      event_name: 'pull_request_target',
      event,
    };
    const result = await run(`      - { uses: ${CHECKOUT}, with: { ${inputs} } }\n`, 'reader', { github: github_ });
    const [step] = result.jobs[0]?.steps ?? [];
    expect(step?.outcome).toBe(refused ? 'failure' : 'success');
    if (refused) expect(step?.annotations[0]?.message).toMatch(/refusing to check out the fork evil\/plugins/);
  });

  it.each([
    [`{ uses: actions/checkout@v5 }`, /full commit id/],
    [`{ uses: ${CHECKOUT}, with: { submodules: true } }`, /steps\[0\]\.with: 'submodules' is not supported/],
    [`{ uses: actions/cache@${COMMIT} }`, /cannot run 'actions\/cache/],
  ])('refuses %s', async (step, message) => {
    await expect(run(`      - ${step}\n`)).rejects.toThrow(message);
  });
});

describe('the stand-ins for artifacts', () => {
  const job = (id: string, steps: string): string => `  ${id}:\n    runs-on: x\n    steps:\n${steps}`;

  it('carries files from job to job', async () => {
    const result = await fixture.run(`
jobs:
${job(
  'make',
  `      - { run: 'mkdir -p out/deep; echo one > out/one; echo two > out/deep/two; echo no > out/.hidden; echo single > single' }
      - { uses: ${UPLOAD}, with: { name: tree, path: out } }
      - { uses: ${UPLOAD}, with: { name: part-single, path: single } }
      - { uses: ${UPLOAD}, with: { name: part-two, path: "out/deep\\nsingle" } }
      - { uses: ${UPLOAD}, with: { name: globbed, path: "out/*/t*" } }
`,
)}
${job(
  'a',
  `      - { uses: ${DOWNLOAD}, with: { name: tree } }
      - { run: 'echo "> $(find . -type f | sort | tr "\\n" " ")"; rm -r ./*' }
      - { uses: ${DOWNLOAD}, with: { pattern: part-*, path: in } }
      - { run: 'echo "> $(find . -type f | sort | tr "\\n" " ")"; rm -r ./*' }
      - { uses: ${DOWNLOAD}, with: { pattern: part-*, path: in, merge-multiple: true } }
      - { run: 'echo "> $(find . -type f | sort | tr "\\n" " ")"; rm -r ./*' }
      - { uses: ${DOWNLOAD} }
      - { run: 'echo "> $(ls | tr "\\n" " ")"; cat globbed/two' }
`,
).replace('runs-on: x', 'runs-on: x\n    needs: make')}
`);
    expect(result.result).toBe('success');
    expect(said()).toEqual([
      'a: > ./deep/two ./one ',
      'a: > ./in/part-single/single ./in/part-two/out/deep/two ./in/part-two/single ',
      'a: > ./in/out/deep/two ./in/single ',
      'a: > globbed part-single part-two tree ',
    ]);
  });

  it('never writes over an artifact, unless it is told to, and does not pass over missing files', async () => {
    const upload = (id: string, inputs: string, more = ''): string =>
      job(
        id,
        `      - { run: echo x > file }\n      - { uses: ${UPLOAD}, with: { name: same, path: file } }\n      - { uses: ${UPLOAD}, with: { ${inputs} } }\n${more}`,
      );
    const result = await fixture.run(`
jobs:
${upload('a', 'name: same, path: file')}
${job('b', `      - { uses: ${UPLOAD}, with: { path: absent, if-no-files-found: error } }\n`)}
${job('c', `      - { uses: ${UPLOAD}, with: { path: absent } }\n`)}
${job('d', `      - { uses: ${DOWNLOAD}, with: { name: absent } }\n`)}
${job('e', `      - { uses: ${UPLOAD}, with: { name: ../x, path: absent } }\n`)}
${job('f', `      - { run: echo 1 > f; echo 2 > g }\n      - { uses: ${UPLOAD}, with: { name: f, path: f } }\n      - { uses: ${UPLOAD}, with: { name: f, path: g, overwrite: true } }\n      - { uses: ${DOWNLOAD}, with: { name: f, path: in } }\n      - { run: 'test "$(ls in)" = g' }\n`)}
`);
    const failed = { a: 'failure', b: 'failure', d: 'failure', e: 'failure' };
    expect(verdicts(result)).toEqual({ ...failed, c: 'success', f: 'success' });
    expect(result.jobs.find(({ id }) => id === 'c')?.steps[0]?.annotations[0]?.level).toBe('warning');
  });

  it('keeps artifacts for the next attempt where it is told to', async () => {
    const artifacts = join(fixture.directory, 'kept');
    const workflow = `
jobs:
${job('make', `      - { run: echo x > file }\n      - { uses: ${UPLOAD}, with: { path: file } }\n`)}
${job('a', `      - { uses: ${DOWNLOAD}, with: { name: artifact } }\n      - { run: 'cat file; test "$TRY" = 2' }\n`).replace('runs-on: x', 'runs-on: x\n    needs: make')}
`;
    const previous = await fixture.run(workflow, { artifacts, env: { TRY: '1' } });
    expect(verdicts(previous)).toEqual({ make: 'success', a: 'failure' });
    expect((await fixture.run(workflow, { artifacts, env: { TRY: '2' }, previous })).result).toBe('success');
  });
});
