import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gitText, runGit } from '@slipway/sandbox/github/git/git-command';
import { ConcurrencyGroups } from '@slipway/sandbox/runner/concurrency-groups';
import { runWorkflow } from '@slipway/sandbox/runner/run-workflow';
import { directoryTree } from '@slipway/sandbox/runner/tree-reader';
import { describe, expect, it } from 'vitest';
import { checkTree } from '../scripts/release/check-tree.ts';
import { writeGitTree } from '../scripts/release/git-tree.ts';
import { readDirectory } from '../scripts/release/read-directory.ts';
import { collectRelease } from '../scripts/release-tree.ts';
import { assembledTree } from './assembled.ts';
import { temporaryDirectory } from './bundle.ts';
import { filesOf, makePlace, plan } from './release-place.ts';

const root = join(import.meta.dirname, '..');
const execute = promisify(execFile);

/** Runs the script as npm does, for a user who stands in `directory`. */
async function runRelease(directory: string, args: readonly string[]): Promise<string> {
  const script = join(root, 'scripts/release.ts');
  const env = { PATH: process.env['PATH'], INIT_CWD: directory };
  const { stdout } = await execute(process.execPath, ['--conditions=@slipway/source', script, ...args], { env });
  return stdout;
}

async function write(directory: string, files: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}

describe('the released tree of this repository', () => {
  it('has one id however it was assembled, and is checked out where no package is in reach', async () => {
    const assembled = await assembledTree();
    const place = await makePlace();
    await place.commit('source');
    const git = await place.clone();
    const [files, collected] = [await readDirectory(assembled), await collectRelease()];
    expect([...files.keys()].sort()).toEqual([...collected.keys()].sort());
    const tree = await writeGitTree(git, files);
    expect(await writeGitTree(git, collected)).toBe(tree);

    const work = join(dirname(git), 'work');
    await execute('git', ['clone', '--quiet', place.origin, work]);
    await runRelease(work, ['1.0.0', '--tree', assembled, '--push']);
    expect(await gitText(place.origin, ['rev-parse', 'v1^{tree}'])).toBe(tree);
    const checkout = join(temporaryDirectory(), 'v1');
    await execute('git', ['clone', '--quiet', '--branch', 'v1', place.origin, checkout]);
    for (let directory = checkout; directory !== '/'; directory = dirname(directory)) {
      expect(await readdir(directory)).not.toContain('node_modules');
    }

    // Every action starts, and says itself what it lacks.
    const actions = [...files.keys()].flatMap((path) => /^([^/]+)\/action\.yml$/.exec(path)?.[1] ?? []);
    expect(actions).toContain('sync-images');
    for (const name of actions) {
      const env = {
        PATH: process.env['PATH'],
        RUNNER_TEMP: temporaryDirectory(),
        GITHUB_API_URL: 'http://127.0.0.1:9',
      };
      const bundle = join(checkout, name, 'dist/index.js');
      const failure = await execute(process.execPath, [bundle], { cwd: checkout, env }).catch(
        (error: unknown) => error,
      );
      expect(failure, name).toMatchObject({ code: 1, stdout: expect.stringMatching(/^::error::.*\[[a-z-]+\]\s*$/m) });
    }

    // A workflow finds them by the name that people write.
    const lines: string[] = [];
    const result = await runWorkflow({
      workflow: {
        path: '.github/workflows/main.yml',
        text: `
on: push
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - id: check
        uses: org/actions/validate-plugin@v1
        with: { directory: '${join(root, 'examples/release-repository')}', all: true }
      - run: echo "valid \${{ steps.check.outputs.valid }}"
`,
        tree: directoryTree(work, 'acme/plugins'),
      },
      github: { repository: 'acme/plugins', event_name: 'push', event: { ref: 'refs/heads/main' } },
      actions: checkout,
      concurrency: new ConcurrencyGroups(),
      openJob: async () => ({ token: 'token', close: async () => undefined }),
      onLine: (line) => lines.push(line),
    });
    expect([result.result, lines.join('\n')]).toEqual(['success', expect.stringContaining('valid true')]);
  });
});

describe('npm run release', () => {
  it('shows what it would push, and pushes when it is told to', async () => {
    const place = await makePlace();
    await place.commit('source');
    const directory = temporaryDirectory();
    const [work, tree] = [join(directory, 'work'), join(directory, 'tree')];
    await execute('git', ['clone', '--quiet', place.origin, work]);
    await write(tree, filesOf('x'));
    const before = await place.refs();
    expect(await runRelease(work, ['1.0.0', '--tree', tree])).toContain('Nothing was pushed. Add --push');
    expect(await place.refs()).toEqual(before);
    expect(await runRelease(work, ['1.0.0', '--tree', tree, '--push'])).toContain('Pushed: refs/heads/release/v1, ');
    const after = await place.refs();
    expect(Object.keys(after)).toEqual([
      'refs/heads/main',
      'refs/heads/release/v1',
      'refs/tags/v1',
      'refs/tags/v1.0.0',
    ]);
    expect(await runRelease(work, ['1.0.0', '--tree', tree, '--push'])).toContain('Nothing to push.');
    expect(await runRelease(work, ['--roll-back', '1.0.0', '--push'])).toContain('Nothing to push.');
    await runRelease(work, ['--preview', '7', '--tree', tree, '--push']);
    expect(Object.keys(await place.refs())).toContain('refs/heads/preview/pr-7');
    await runRelease(work, ['--drop-preview', '7', '--push']);
    expect(await place.refs()).toEqual(after);
  });

  it.each([
    [[], /Say what to release/],
    [['1.0.0', '--preview', '7'], /Say what to release/],
    [['1.0.0'], /Which tree\?/],
    [['--preview', '0', '--tree', '.'], /is no number of a pull request/],
  ])('says what %j lacks', async (args, message) => {
    const directory = temporaryDirectory();
    await execute('git', ['init', '--quiet', directory]);
    await expect(runRelease(directory, args)).rejects.toMatchObject({ stderr: expect.stringMatching(message) });
  });

  it('is refused in a clone that has only a part of the history', async () => {
    const place = await makePlace();
    await place.commit('first');
    await place.commit('second');
    const shallow = join(temporaryDirectory(), 'shallow.git');
    await execute('git', ['clone', '--quiet', '--bare', '--depth=1', `file://${place.origin}`, shallow]);
    await expect(plan(place, shallow, '1.0.0', filesOf('x'))).rejects.toThrow(/git fetch --unshallow/);
  });
});

describe('a tree that is no release', () => {
  const workflow = (on: string): [string, string] => ['.github/workflows/public.yml', `on: ${on}\n`];
  const action = (runs: string): [string, string] => ['greet/action.yml', `name: g\ndescription: d\nruns: ${runs}\n`];

  it.each<[string, [string, string], RegExp]>([
    ['a workflow of ours', workflow('[push]'), /starts by itself \(push\)/],
    ['a workflow that others call and that starts', workflow('{ workflow_call: {}, push: {} }'), /workflow_call, push/],
    ['a key that GitHub may read as another', workflow('{ workflow_call: {} }\ntrue: push'), /has the key 'true'/],
    ['an event in another spelling', workflow('{ workflow_call: {} }\nOn: push'), /has the key 'On'/],
    ['sources', ['greet/src/main.ts', ''], /greet\/src\/main\.ts does not belong/],
    ['packages', ['greet/dist/node_modules/x.js', ''], /does not belong/],
    ['a local action', ['.github/actions/x/action.yml', ''], /does not belong/],
    ['another node', action('{ using: node20, main: dist/index.js }'), /'node20'/],
    ['no bundle', action('{ using: node24, main: dist/other.js }'), /names dist\/other\.js, which is missing/],
    ['a composite action', action('{ using: composite, steps: [] }'), /only actions on node/],
    ['half an action', ['extra/dist/index.js', ''], /extra has no README\.md/],
    ['too much', ['greet/dist/index.js', 'x'.repeat(17 * 1024 * 1024)], /are not released/],
  ])('is refused for %s', (_, [path, content], message) => {
    expect(() => checkTree(filesOf('x'))).not.toThrow();
    expect(() => checkTree(new Map([...filesOf('x'), [path, content]]))).toThrow(message);
  });

  it.each(['LICENSE', 'README.md', 'index.js', 'greet/dist/licenses.txt', 'greet/action.yml'])(
    'is refused without %s',
    (path) => {
      const files = new Map(filesOf('x'));
      files.delete(path);
      expect(() => checkTree(files)).toThrow(path.replace('greet/', ''));
    },
  );

  it('is refused for a link, which would bring in what it points to', async () => {
    const directory = temporaryDirectory();
    await write(directory, filesOf('x'));
    await symlink('/etc/passwd', join(directory, 'greet/dist/link.js'));
    await expect(readDirectory(directory)).rejects.toThrow(/link\.js is no regular file/);
  });

  it.each(['../x', 'a//b', '.git/config', 'a/.GIT/config'])('never has the path %s', async (path) => {
    const git = temporaryDirectory();
    await runGit(git, ['init', '--bare', '--quiet', git]);
    await expect(writeGitTree(git, new Map([[path, '']]))).rejects.toThrow(/cannot be in a tree/);
  });
});

describe('the tree in the sources', () => {
  it('holds the public workflows byte for byte, and none of ours', async () => {
    const files = await collectRelease();
    const released = [...files.keys()].filter((path) => path.startsWith('.github/'));
    expect(released.length).toBeGreaterThan(5);
    for (const path of released) {
      expect(Buffer.from(files.get(path) ?? '').toString()).toBe(await readFile(join(root, path), 'utf8'));
    }
    expect(released.filter((path) => /\/(?:ci|release|preview)\.yml$/.test(path))).toEqual([]);
  });
});
