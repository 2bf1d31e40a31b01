import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isKubeconfigContent, openKubeconfig, secretsOf } from './kubeconfig.ts';

const CONTENT = `apiVersion: v1
kind: Config
users:
- name: robot
  user:
    token: a-token
    client-key-data: a-key
- name: other
  user: { username: someone, password: a-password, auth-provider: { config: { refresh-token: a-refresh-token } } }
`;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a kubeconfig', () => {
  it('that is a content goes into a file of its owner alone, until it is closed', async () => {
    const { path = '', directory: own, close } = await openKubeconfig(CONTENT, directory);
    expect(await readFile(path, 'utf8')).toBe(CONTENT);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(own)).mode & 0o777).toBe(0o700);
    await close();
    expect(existsSync(own)).toBe(false);
  });

  it('that is a path stays where it is, and so does none', async () => {
    const file = import.meta.filename;
    const given = await openKubeconfig(file, directory);
    expect(given.path).toBe(file);
    await given.close();
    expect(existsSync(file)).toBe(true);
    const none = await openKubeconfig(undefined, directory);
    expect(none.path).toBeUndefined();
    await none.close();
    await expect(openKubeconfig(join(directory, 'absent'), directory)).rejects.toThrow(/cannot read/);
  });

  it('is told from a path', () => {
    expect(['./kubeconfig', '/etc/kube/config', 'C:\\kube\\config'].some(isKubeconfigContent)).toBe(false);
    expect([CONTENT, '{"kind":"Config"}', 'apiVersion: v1'].every(isKubeconfigContent)).toBe(true);
  });

  it('says which of its values are secret, and nothing else', () => {
    expect(secretsOf(CONTENT)).toEqual(['a-token', 'a-key', 'a-password', 'a-refresh-token']);
  });

  it('does not show a secret when it cannot be read', () => {
    expect(() => secretsOf('token: "a-token\n- [')).toThrow(/^input 'kubeconfig' is neither a path nor YAML\.$/);
  });
});
