import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FoundCredential } from './credentials.ts';
import { parseDockerConfig } from './docker-config.ts';

const HOST = 'harbor.example.com';

let directory: string;
let masked: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-helper-'));
  masked = [];
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Installs a program that runs `script`; it finds the host in `$host`. */
async function install(name: string, script: string): Promise<void> {
  const file = join(directory, `docker-credential-${name}`);
  await writeFile(file, `#!/bin/sh\nread -r host\n${script}\n`);
  await chmod(file, 0o755);
}

function lookUp(
  config: object,
  { host = HOST, env = {} }: { readonly host?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<FoundCredential | undefined> {
  const store = parseDockerConfig(JSON.stringify(config), '/docker/config.json', {
    env: { PATH: `${directory}:/usr/bin:/bin`, ...env },
    mask: (secret) => masked.push(secret),
  });
  return store.source(host).lookUp();
}

const answer = (username: string, secret: string): string =>
  `printf '{"ServerURL":"%s","Username":"${username}","Secret":"${secret}"}' "$host"`;

/** A process that has ended, and that nobody has buried yet, is none. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return status !== '' && !/\) Z /.test(status);
}

const auths = { [HOST]: { auth: Buffer.from('file:from-the-file').toString('base64') } };
const inFile = { credential: { username: 'file', password: 'from-the-file' } };

describe('a credential helper', () => {
  it('is asked for its host, and what it tells is masked before it is used', async () => {
    await install('vault', `[ "$1" = get ] && ${answer('robot', 'horse battery')}`);
    const found = await lookUp({ credHelpers: { [HOST]: 'vault' } });
    expect(found?.credential).toEqual({ username: 'robot', password: 'horse battery' });
    expect(found?.origin).toBe('docker-credential-vault, which /docker/config.json names');
    expect(masked).toEqual(['horse battery', Buffer.from('robot:horse battery').toString('base64')]);
  });

  it('gives an identity token under the name <token>', async () => {
    await install('vault', answer('<token>', 'refresh-me'));
    const found = await lookUp({ credsStore: 'vault' });
    expect(found?.credential).toEqual({ identityToken: 'refresh-me' });
  });

  it("comes before the file, the host's own before the store, and the file when it knows nothing", async () => {
    await install('own', answer('own', 'a'));
    await install('store', answer('store', 'b'));
    await install('empty', 'echo "credentials not found in native keychain"; exit 1');
    const credHelpers = { [HOST]: 'own' };
    expect(await lookUp({ auths, credHelpers, credsStore: 'store' })).toMatchObject({
      credential: { username: 'own' },
    });
    expect(await lookUp({ auths, credsStore: 'store' })).toMatchObject({ credential: { username: 'store' } });
    expect(await lookUp({ auths, credsStore: 'empty' })).toMatchObject(inFile);
    expect(await lookUp({ auths, credsStore: 'absent' })).toMatchObject(inFile);
    expect(await lookUp({ credsStore: 'empty' })).toBeUndefined();
    expect(await lookUp({ auths, credHelpers: { [HOST]: '' }, credsStore: 'store' })).toMatchObject(inFile);
  });

  it('is asked for Docker Hub by the key that docker uses', async () => {
    await install('vault', answer('hub', 'x'));
    await install('wrong', answer('wrong', 'x'));
    for (const name of ['docker.io', 'index.docker.io', 'https://index.docker.io/v1/']) {
      const found = await lookUp({ credHelpers: { [name]: 'vault' }, credsStore: 'wrong' }, { host: 'docker.io' });
      expect(found?.credential, name).toMatchObject({ username: 'hub' });
    }
    await install('vault', `echo "$host" > ${directory}/asked; ${answer('hub', 'x')}`);
    await lookUp({ credsStore: 'vault' }, { host: 'docker.io' });
    expect(await readFile(join(directory, 'asked'), 'utf8')).toBe('https://index.docker.io/v1/\n');
  });

  it('answers for its host only: a similar one is somebody else', async () => {
    await install('vault', `printf '{"ServerURL":"https://evil.${HOST}","Username":"u","Secret":"s"}'`);
    expect(await lookUp({ credsStore: 'vault' })).toBeUndefined();
    await install('vault', `printf '{"ServerURL":"https://${HOST}/","Username":"u","Secret":"s"}'`);
    expect(await lookUp({ credsStore: 'vault' })).toBeDefined();
    expect(await lookUp({ credHelpers: { [`${HOST}:8443`]: 'vault' } })).toBeUndefined();
  });

  it('does not see the inputs of the action', async () => {
    await install('vault', `env > ${directory}/seen; ${answer('u', 's')}`);
    const env = { 'INPUT_TARGET-PASSWORD': 'hidden', OSS_ACCESS_KEY_SECRET: 'hidden', AWS_REGION: 'eu-north-1' };
    await lookUp({ credsStore: 'vault' }, { env });
    const seen = await readFile(join(directory, 'seen'), 'utf8');
    expect(seen).toContain('AWS_REGION=eu-north-1');
    expect(seen).not.toContain('hidden');
  });

  it('is not run until credentials are needed', async () => {
    const store = parseDockerConfig('{"credsStore":"absent"}', '/docker/config.json', { env: { PATH: directory } });
    expect(store.source(HOST).expected).toBe(true);
    await expect(store.source(HOST).lookUp()).rejects.toThrow(/no program of that name is on the PATH: install it/);
  });

  it.each(['../../bin/sh', '-rf', 'a/b', 'a b'])('is not named %j', async (name) => {
    await expect(lookUp({ credHelpers: { [HOST]: name } })).rejects.toThrow(/is no name of a program/);
  });

  it('is not looked for in the current directory', async () => {
    await mkdir(join(directory, 'elsewhere'));
    await install('vault', answer('u', 's'));
    const before = process.cwd();
    process.chdir(directory);
    try {
      await expect(lookUp({ credsStore: 'vault' }, { env: { PATH: `:.:${directory}/elsewhere` } })).rejects.toThrow(
        /on the PATH/,
      );
    } finally {
      process.chdir(before);
    }
  });

  it('is not looked for in the workspace, by whatever name', async () => {
    await install('vault', answer('u', 's'));
    await symlink(directory, `${directory}-link`);
    try {
      for (const path of [directory, `${directory}-link`]) {
        const env = { PATH: `${path}:/usr/bin:/bin`, GITHUB_WORKSPACE: `${directory}-link` };
        await expect(lookUp({ credsStore: 'vault' }, { env })).rejects.toThrow(/outside of the workspace/);
      }
      const env = { GITHUB_WORKSPACE: `${directory}/elsewhere` };
      expect(await lookUp({ credsStore: 'vault' }, { env })).toBeDefined();
    } finally {
      await rm(`${directory}-link`);
    }
  });

  it('that hangs is ended with whatever it has started', async () => {
    await install('vault', `sleep 60 & echo $! > ${directory}/child; wait`);
    const env = { PATH: `${directory}:/usr/bin:/bin` };
    const { HelperPrograms } = await import('./credential-helper.ts');
    const options = { byName: [], fallback: 'vault', path: '/c.json', mask: () => undefined, limit: 1000, env };
    await expect(new HelperPrograms(options).lookUp(HOST)).rejects.toThrow(/did not answer/);
    const child = Number(await readFile(join(directory, 'child'), 'utf8'));
    await expect.poll(() => isRunning(child), { timeout: 5000 }).toBe(false);
  });

  it.each([
    ['fails', 'echo "the keychain of https://me:hunter2@vault is locked" >&2; exit 3', /failed \(3\).*is locked/],
    ['prints nonsense', 'echo hello', /no JSON with Username and Secret/],
    ['prints without end', 'yes', /printed more than/],
    ['hangs', 'sleep 60', /did not answer within 1 s/],
  ])('that %s is told of, with what to do', async (_, script, message) => {
    await install('vault', script);
    const options = { env: { PATH: `${directory}:/usr/bin:/bin` } };
    const { HelperPrograms } = await import('./credential-helper.ts');
    const programs = new HelperPrograms({
      byName: [],
      fallback: 'vault',
      path: '/docker/config.json',
      mask: () => undefined,
      limit: 1000,
      ...options,
    });
    await expect(programs.lookUp(HOST)).rejects.toThrow(message);
    await expect(programs.lookUp(HOST)).rejects.not.toThrow('hunter2');
  });

  it('does not leak a secret that it prints while it fails', async () => {
    const secret = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';
    await install('vault', `echo 'cannot use {"Secret":"short one"} nor ${secret}'; exit 1`);
    const error = await lookUp({ credsStore: 'vault' }).catch((thrown: unknown) => String(thrown));
    expect(error).toMatch(/cannot use/);
    expect(error).not.toContain('short one');
    expect(error).not.toContain(secret);
  });
});
