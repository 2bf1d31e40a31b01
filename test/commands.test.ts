import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { createBareRepository } from '@slipway/sandbox/github/seed';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from './bundle.ts';

const root = join(import.meta.dirname, '..');

/** Starts a command of this repository as npm does, for a user who stands in `directory`. */
function start(command: 'action' | 'sandbox', args: readonly string[], directory: string, env = {}): ChildProcess {
  const script = join(root, 'scripts', `${command}.ts`);
  const child = spawn(process.execPath, ['--conditions=@slipway/source', script, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: directory, INIT_CWD: directory, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function finish(child: ChildProcess, input = '') {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('the command was started without pipes');
  stdin.end(input);
  const [out, err, [code]] = await Promise.all([text(stdout), text(stderr), once(child, 'close')]);
  return { out, err, code };
}

async function startSandbox(directory: string, args: readonly string[] = []) {
  const child = start('sandbox', ['--json', 'sandbox.json', ...args], directory);
  const ended = finish(child);
  const file = join(directory, 'sandbox.json');
  while (!existsSync(file) && child.exitCode === null) await setTimeout(20);
  const environment: Record<string, string> = JSON.parse(readFileSync(file, 'utf8'));
  return { child, ended, environment };
}

describe('npm run sandbox', () => {
  it('serves until a signal, and says the same to shells and to programs', async () => {
    const directory = temporaryDirectory();
    await createBareRepository(join(directory, 'plugins.git'));
    const { child, ended, environment } = await startSandbox(directory, ['--repo', 'acme/plugins=plugins.git']);
    expect(Object.keys(environment)).toEqual([
      'GITHUB_API_URL',
      'GITHUB_GRAPHQL_URL',
      'GITHUB_SERVER_URL',
      'GITHUB_TOKEN',
      'GITHUB_REPOSITORY',
      'SLIPWAY_SOURCE',
      'SLIPWAY_TARGET',
      'SLIPWAY_OSS_ENDPOINT',
      'SLIPWAY_OSS_REGION',
      'OSS_ACCESS_KEY_ID',
      'OSS_ACCESS_KEY_SECRET',
      'DOCKER_CONFIG',
      'KUBECONFIG',
      'SLIPWAY_CONFIG',
    ]);
    const repository = await fetch(`${environment['GITHUB_API_URL']}/repos/acme/plugins`);
    expect(await repository.json()).toMatchObject({ full_name: 'acme/plugins' });
    child.kill('SIGTERM');
    const { out, err, code } = await ended;
    expect(out).toBe(
      Object.entries(environment)
        .map(([name, value]) => `export ${name}=${value}\n`)
        .join(''),
    );
    expect({ err, code }).toEqual({ err: '', code: 0 });
    expect(existsSync(dirname(environment['SLIPWAY_CONFIG'] ?? ''))).toBe(false);
  });

  it('says what is wrong with an option', async () => {
    const wrong = start('sandbox', ['--repo', 'plugins.git'], temporaryDirectory());
    expect(await finish(wrong)).toMatchObject({ code: 1, err: expect.stringContaining('expected owner/name=path') });
  });
});

describe('npm run action', () => {
  it('runs a shipped action where the user stands', async () => {
    const directory = temporaryDirectory();
    const { environment } = await startSandbox(directory, ['--state', 'state']);
    const [source = '', target = ''] = [environment['SLIPWAY_SOURCE'], environment['SLIPWAY_TARGET']];
    const image = await makeImage({
      seed: 'command',
      architecture: 'amd64',
      os: 'linux',
      mediaTypes: 'oci',
      layers: [{ size: 1000 }],
    });
    const docker = readFileSync(join(environment['DOCKER_CONFIG'] ?? '', 'config.json'), 'utf8');
    const auth: string = JSON.parse(docker).auths[source.split('/')[0] ?? ''].auth;
    const [username = '', password = ''] = Buffer.from(auth, 'base64').toString().split(':');
    await pushImage(`http://${source.split('/')[0]}`, 'acme/app', 'v1.0.0', image, { username, password });

    const list = `${source}/app:v1.0.0 ${target}/app:v1.0.0\n${source}/absent:v1.0.0 ${target}/absent:v1.0.0\n`;
    writeFileSync(join(directory, 'list'), list);
    const outputFile = join(directory, 'outputs');
    const env = { ...environment, GITHUB_OUTPUT: 'outputs', GITHUB_STEP_SUMMARY: 'summary' };
    const config = `config=${environment['SLIPWAY_CONFIG']}`;
    const fromFile = await finish(start('action', ['sync-images', 'images=@list', config], directory, env));
    expect(fromFile.code).toBe(1);
    expect(fromFile.out).toMatch(/^Error: .*absent:v1\.0\.0/m);
    expect(fromFile.out).toMatch(/^Outputs:$/m);
    expect(fromFile.out).toMatch(/^failed=1$/m);
    const images: unknown = JSON.parse(/^images=(.*)$/m.exec(fromFile.out)?.[1] ?? '');
    expect(images).toMatchObject([{ digest: image.manifest.digest, result: 'copied' }, { result: 'failed' }]);
    expect(readFileSync(outputFile, 'utf8')).toContain(image.manifest.digest);
    expect(readFileSync(join(directory, 'summary'), 'utf8')).toContain('app:v1');

    const [line = ''] = list.split('\n');
    const fromInput = await finish(start('action', ['sync-images', 'images=-', config], directory, environment), line);
    expect(fromInput).toMatchObject({ code: 0, out: expect.stringMatching(/^changed=false$/m) });
  });

  it('lists the actions, and describes one', async () => {
    const directory = temporaryDirectory();
    const list = await finish(start('action', [], directory));
    expect(list).toMatchObject({ code: 0, out: expect.stringMatching(/^ {2}sync-images +Copies container images/m) });
    const help = await finish(start('action', ['sync-images', '--help'], directory));
    expect(help.out).toMatch(/^ {2}images$/m);
    expect(help.out).toMatch(/^ {2}dry-run \(default: false\)$/m);
    expect(help.out).toMatch(/^Outputs:\n {2}images$/m);
    const rollout = await finish(start('action', ['rollout', '--help'], directory));
    expect(rollout.out).toMatch(/^ {2}distribution \(required\)$/m);
  });

  it.each([
    [['sync-imagse'], /There is no action 'sync-imagse'\.\n\nActions:/],
    [['sync-images', 'images'], /'images' is not of the form key=value/],
    [['sync-images', 'a=1', 'a=2'], /a is given twice/],
    [['sync-images', 'images=@absent'], /images=@absent: .*no such file/],
    [['rollout'], /input 'distribution' is required/],
  ])('says what is wrong with %j', async (args, message) => {
    const { code, err } = await finish(start('action', args, temporaryDirectory()));
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });
});
