import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Block, blocksOf, readPages } from './documents/documents.ts';
import { findProgram } from './interop/peers.ts';

const root = join(import.meta.dirname, '..');

const PUSH = join(import.meta.dirname, 'documents/push-image.ts');

/** Blocks that are run by a test of their own, or by whoever runs the tests. */
const RUN_ELSEWHERE = [
  'npm ci && npm run demo', // test/demo.test.ts, from the assembled tree
];

function commandsOf(file: string): Block[] {
  const page = { file, text: readFileSync(join(root, file), 'utf8') };
  return blocksOf(page).filter(({ language }) => language === 'sh');
}

/** Runs a page's commands one after the other, in a folder of their own where the page says `try`. */
async function runCommands(commands: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(root, '.try-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const script = ['set -eu', ...commands]
    .join('\n')
    .replace(/^npm ci$/m, ': # npm ci was run, or this test would not run')
    .replace(/^mkdir try && cd try$/m, `cd ${basename(folder)}`);
  const child = spawn('bash', ['-c', script], {
    cwd: root,
    // A group of its own: what the page starts and does not end must not outlive the test.
    detached: true,
    env: { PATH: process.env['PATH'], HOME: folder, npm_config_update_notifier: 'false', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endAll = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Everything has ended.
    }
  };
  onTestFinished(endAll);
  const printed = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, 'exit');
  endAll();
  const [out, err] = await printed;
  return { code, out, err };
}

describe('the commands of', () => {
  it('docs/getting-started-storage.md lead to a pull request', async () => {
    const commands = commandsOf('docs/getting-started-storage.md').map(({ content }) => content);
    const { code, out, err } = await runCommands(commands);
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(out).toMatch(/^would be promoted: ingress_metrics-0\.3\.0-beta\.1/m);
    expect(out).toMatch(/^pull-request=1$/m);
    expect(out).toMatch(/^promote\/snapshot-to-staging\//m);
  });

  it('docs/getting-started-release.md lead to a package, and to a finding', async () => {
    const commands = commandsOf('docs/getting-started-release.md').flatMap(({ tool, content }) => {
      if (tool === '') return [content];
      // The reader's own image is one in the sandbox's registry here; docker is left to those who have an engine.
      const own = ['IMAGE="$SLIPWAY_SOURCE/mine:v1"', `node --conditions=@slipway/source ${PUSH} "$IMAGE"`];
      if (tool === 'docker')
        return [...own, `node --conditions=@slipway/source ${PUSH} "$SLIPWAY_SOURCE/hello:v1.0.0"`];
      const insecure =
        'printf \'[[registry]]\\nlocation = "%s"\\ninsecure = true\\n\' "$SLIPWAY_SOURCE" > .config/containers/registries.conf';
      return findProgram(tool) === undefined
        ? []
        : ['mkdir -p .config/containers', insecure, 'export REGISTRY_AUTH_FILE=$DOCKER_CONFIG/config.json', content];
    });
    const { code, out, err } = await runCommands(commands);
    expect({ code, out, err }).toMatchObject({ code: 0 });
    expect(out).toMatch(/^0 errors and 0 warnings; to be released: hello v1\.0\.0\.$/m);
    expect(out).toMatch(/^copied .*\/release\/hello:v1\.0\.0/m);
    expect(out).toMatch(/^uri=oss:\/\/acme-release\/platform\/plugins\/hello\/hello-v1\.0\.0\.tar\.gz$/m);
    expect(out).toMatch(/^Error: release-plugins\/log-collector\.yaml:\d+.*port/m);
    expect(out).toMatch(/^refused, as it should be$/m);
  });

  it('README.md do what is said', async () => {
    const mine = commandsOf('README.md').filter(
      ({ content }) => !RUN_ELSEWHERE.some((start) => content.startsWith(start)),
    );
    const sandbox = [
      'npm run --silent sandbox > sandbox.env &',
      'until grep -q SLIPWAY_CONFIG sandbox.env; do sleep 0.1; done; . ./sandbox.env',
    ];
    // The page says that the lines are in the shell by then.
    const commands = mine.flatMap(({ content }, index) =>
      index === mine.length - 1 ? [...sandbox, content] : [content],
    );
    const { code, out, err } = await runCommands([
      'npm ci\nmkdir try && cd try\nln -s ../examples examples',
      ...commands,
      'kill $!',
    ]);
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(out).toMatch(/^ {2}sync-images +Copies container images/m);
    expect(out).toMatch(/^uri=oss:\/\/acme-release\/try\/greeting\.txt$/m);
  });

  it('the other pages do what is said', async () => {
    const pages = ['docs/migrate-from-shell.md', 'actions/validate-plugin/README.md'];
    for (const page of pages) {
      const commands = commandsOf(page).map(({ content }) =>
        content.replace('path/to/checkout', '../examples/release-repository'),
      );
      const { code, out } = await runCommands(['npm ci\nmkdir try && cd try', ...commands]);
      expect({ code, out }).toMatchObject({ code: 0, out: expect.stringMatching(/^valid=true$/m) });
    }
  });
});

describe('every command in the documentation', () => {
  it('is run by a test', () => {
    // docs/install.md has engines to run on: test/interop/install.test.ts. Those of docs/scale.md take an hour:
    // test/bench-storage.test.ts runs their parts on a few versions.
    const run = [
      'README.md',
      'README.zh-CN.md',
      'actions/validate-plugin/README.md',
      'docs/install.md',
      'docs/migrate-from-shell.md',
      'docs/scale.md',
    ];
    const started = ['docs/getting-started-release', 'docs/getting-started-storage'].flatMap((page) => [
      `${page}.md`,
      `${page}.zh-CN.md`,
    ]);
    const pages = readPages().flatMap((page) =>
      blocksOf(page).some(({ language }) => language === 'sh') ? [page.file] : [],
    );
    expect(pages).toEqual([...run, ...started].sort());
  });
});
