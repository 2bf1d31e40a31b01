import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleImage } from '@slipway/sandbox/images/sample-image';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const ROBOT = { username: 'robot', password: 'correct horse battery staple' };

let directory: string;
let source: RegistryServer;
let target: RegistryServer;
let image: SampleImage;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sync-credentials-'));
  source = await startRegistry({ directory: join(directory, 'source') });
  target = await startRegistry({ directory: join(directory, 'target'), auth: 'token', credentials: [ROBOT] });
  const lines = [
    'registries:',
    `  cargo.example.com: { endpoint: "${source.url}", plain-http: true }`,
    `  harbor.example.com: { endpoint: "${target.url}", plain-http: true }`,
  ];
  await writeFile(join(directory, 'slipway.yaml'), lines.join('\n'));
  await mkdir(join(directory, 'bin'));
  image = await makeImage({
    seed: 'a',
    architecture: 'amd64',
    os: 'linux',
    mediaTypes: 'oci',
    layers: [{ size: 9_000 }],
  });
  await pushImage(source.url, 'team/app', 'v1', image);
});

afterEach(async () => {
  await Promise.all([source.close(), target.close()]);
  await rm(directory, { recursive: true, force: true });
});

/** Installs `docker-credential-vault`. */
async function install(script: string): Promise<void> {
  const file = join(directory, 'bin/docker-credential-vault');
  await writeFile(file, `#!/bin/sh\nread -r host\n${script}\n`);
  await chmod(file, 0o755);
}

async function sync(dockerConfig: object, texts: Record<string, string> = {}) {
  await writeFile(join(directory, 'config.json'), JSON.stringify(dockerConfig));
  const runtime = recordRuntime({
    DOCKER_CONFIG: directory,
    RUNNER_TEMP: join(directory, 'work'),
    PATH: `${join(directory, 'bin')}:/usr/bin:/bin`,
  });
  const images = 'cargo.example.com/team/app:v1 harbor.example.com/release/app:v1';
  const given = { config: join(directory, 'slipway.yaml'), images, ...texts };
  const outputs = await run(inputsFrom(inputs, given), runtime);
  return { runtime, outputs, said: [...runtime.failures, ...runtime.lines].join('\n') };
}

describe('sync-images', () => {
  it("asks docker's credential helper for a registry that wants credentials, and for no other", async () => {
    const answer = JSON.stringify({ Username: ROBOT.username, Secret: ROBOT.password });
    await install(`echo "$host" >> ${directory}/asked; echo '${answer}'`);
    const { runtime, outputs, said } = await sync({ credsStore: 'vault' });
    expect(outputs.failed, said).toBe(0);
    expect(await target.state.manifest('release/app', 'v1')).toMatchObject({ digest: image.manifest.digest });
    expect(await readFile(join(directory, 'asked'), 'utf8')).toBe('harbor.example.com\n');
    expect(runtime.masked).toContain(ROBOT.password);
    expect(said).not.toContain(ROBOT.password);
  });

  it('tells which program is missing, and what to do', async () => {
    const { outputs, said } = await sync({ credHelpers: { 'harbor.example.com': 'absent' } });
    expect(outputs.failed).toBe(1);
    expect(said).toMatch(
      /harbor\.example\.com asks for credentials, and .*config\.json says that docker-credential-absent keeps them, but no program of that name is on the PATH: install it/,
    );
  });

  it('takes the inputs before any program', async () => {
    await install(`touch ${directory}/asked; exit 1`);
    const given = { 'target-username': ROBOT.username, 'target-password': ROBOT.password };
    expect((await sync({ credsStore: 'vault' }, given)).outputs.failed).toBe(0);
    await expect(access(join(directory, 'asked'))).rejects.toThrow(/ENOENT/);
  });

  it('sends the inputs to one registry only, and asks whose they are when there are several', async () => {
    const given = { 'target-username': ROBOT.username, 'target-password': ROBOT.password };
    const other = await startRegistry({ directory: join(directory, 'other'), auth: 'basic', credentials: [ROBOT] });
    onTestFinished(() => other.close());
    const lines = await readFile(join(directory, 'slipway.yaml'), 'utf8');
    const settings = `${lines}\n  other.example.com: { endpoint: "${other.url}", plain-http: true }\n`;
    await writeFile(join(directory, 'slipway.yaml'), settings);
    const images = ['harbor', 'other']
      .map((host) => `cargo.example.com/team/app:v1 ${host}.example.com/release/app:v1`)
      .join('\n');
    await expect(sync({}, { ...given, images })).rejects.toThrow(
      /'target-username' and 'target-password' are for one registry, and the images name harbor\.example\.com, other\.example\.com\. Say in the configuration whose they are:\n\nplugins:\n {2}target: harbor\.example\.com\//,
    );
    expect([...target.requests, ...other.requests]).toEqual([]);

    await writeFile(join(directory, 'slipway.yaml'), `${settings}plugins: { target: harbor.example.com/release }\n`);
    const { outputs } = await sync({}, { ...given, images });
    expect(outputs.images.map(({ result }) => result)).toEqual(['copied', 'failed']);
    expect(await other.state.manifest('release/app', 'v1')).toBeUndefined();
  });

  it('does not send the inputs to a registry that only a file names', async () => {
    const given = { 'target-username': ROBOT.username, 'target-password': ROBOT.password };
    const file = join(directory, 'images.txt');
    await writeFile(file, 'cargo.example.com/team/app:v1 harbor.example.com/release/app:v1');
    const texts = { ...given, images: '', 'image-file': file };
    await expect(sync({}, texts)).rejects.toThrow(/the images name theirs in a file \(harbor\.example\.com\)/);
    expect(target.requests).toEqual([]);
    const lines = await readFile(join(directory, 'slipway.yaml'), 'utf8');
    await writeFile(join(directory, 'slipway.yaml'), `${lines}\nplugins: { target: harbor.example.com/release }\n`);
    const { outputs, said } = await sync({}, texts);
    expect(outputs.failed, said).toBe(0);
  });

  it('says where wrong credentials came from, and where missing ones belong', async () => {
    const wrong = await sync({}, { 'target-username': 'robot', 'target-password': 'wrong' });
    expect(wrong.said).toMatch(
      /It was asked with the user robot from the inputs target-username and target-password\./,
    );
    const none = await sync({});
    expect(none.said).toMatch(
      /No credentials for harbor\.example\.com were given or found in .*config\.json: run docker login harbor\.example\.com before this step, or give the inputs target-username and target-password\./,
    );
  });

  it("finds Docker Hub under its own names, with the credentials of docker's old key", async () => {
    const hub = await startRegistry({ directory: join(directory, 'hub'), auth: 'basic', credentials: [ROBOT] });
    onTestFinished(() => hub.close());
    await pushImage(hub.url, 'library/busybox', '1.36', image, ROBOT);
    const lines = [
      'registries:',
      `  docker.io: { endpoint: "${hub.url}", plain-http: true }`,
      `  harbor.example.com: { endpoint: "${target.url}", plain-http: true }`,
    ];
    await writeFile(join(directory, 'slipway.yaml'), lines.join('\n'));
    const auth = Buffer.from(`${ROBOT.username}:${ROBOT.password}`).toString('base64');
    const auths = { 'https://index.docker.io/v1/': { auth }, 'harbor.example.com': { auth } };
    const images = ['busybox:1.36', 'docker.io/busybox:1.36', 'index.docker.io/library/busybox:1.36']
      .map((source, index) => `${source} harbor.example.com/release/busybox:v${index}`)
      .join('\n');
    const { outputs, said } = await sync({ auths }, { images });
    expect(outputs.failed, said).toBe(0);
  });
});
