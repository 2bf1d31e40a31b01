import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKubeconfig, readKubeconfig } from './kubeconfig.ts';

const CONTENT = `apiVersion: v1
kind: Config
clusters: []
users:
- name: robot
  user:
    token: a-token
    client-key-data: a-key
- name: other
  user: { username: someone, password: a-password, auth-provider: { config: { refresh-token: a-refresh-token } } }
`;

const SECRETS = ['a-token', 'a-key', 'a-password', 'a-refresh-token'];

let directory: string;
let masked: string[];

const read = (given: string) => readKubeconfig(given, (secret) => masked.push(secret));

beforeEach(async () => {
  masked = [];
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a kubeconfig', () => {
  it('that is a content goes into a file of its owner alone, until it is closed', async () => {
    const { path = '', directory: own, close } = await openKubeconfig({ content: CONTENT }, directory);
    expect(await readFile(path, 'utf8')).toBe(CONTENT);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(own)).mode & 0o777).toBe(0o700);
    await close();
    expect(existsSync(own)).toBe(false);
  });

  it('makes the directory for temporary files when it is not there', async () => {
    const temporary = join(directory, 'not', 'there');
    const { path = '', close } = await openKubeconfig({ content: CONTENT }, temporary);
    expect(await readFile(path, 'utf8')).toBe(CONTENT);
    await close();
    expect(await readdir(temporary)).toEqual([]);
  });

  it('that is a path stays where it is, is not masked, and so does none', async () => {
    const path = import.meta.filename;
    const given = await openKubeconfig(await read(path), directory);
    expect(given.path).toBe(path);
    await given.close();
    expect(existsSync(path)).toBe(true);
    expect(masked).toEqual([]);
    const none = await openKubeconfig(undefined, directory);
    expect(none.path).toBeUndefined();
    await none.close();
  });

  it('is masked, and so is what is secret in it, and nothing else', async () => {
    expect(await read(CONTENT)).toEqual({ content: CONTENT });
    expect(masked).toEqual([CONTENT, ...SECRETS]);
  });

  it('may be in base64, wrapped or not', async () => {
    const whole = Buffer.from(CONTENT).toString('base64');
    const wrapped = whole.replace(/.{76}/g, '$&\n');
    for (const given of [whole, wrapped]) {
      masked = [];
      expect(await read(given)).toEqual({ content: CONTENT });
      expect(masked).toEqual([given, CONTENT, ...SECRETS]);
    }
  });

  it.each([
    ['an absent path', '/nowhere/s3cret'],
    ['broken YAML', 'token: "s3cret\n- ['],
    ['other YAML', 'token: s3cret'],
    ['base64 of something else', Buffer.from('token: s3cret').toString('base64')],
    ['base64 that was cut', Buffer.from(CONTENT).toString('base64').slice(0, 41)],
    ['base64 longer than a path may be', Buffer.from(`s3cret ${CONTENT}`.repeat(100)).toString('base64')],
  ])('that is %s is masked first, and quoted in no message', async (_, given) => {
    const error = await read(given).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid-kubeconfig' });
    expect(error).not.toHaveProperty('cause');
    expect(String(error)).toMatch(/neither the path of a file on this runner nor the content/);
    expect(String(error)).not.toContain(given);
    expect(String(error)).not.toContain('s3cret');
    expect(masked).toEqual([given]);
  });

  it('is not taken for a file when it is a directory', async () => {
    await expect(read(directory)).rejects.toThrow(/path that cannot be read: it is a directory/);
  });
});
