import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openWorkplace } from './contract-client.ts';
import { gitEnvironment, gitText } from './git/git-command.ts';
import { commitFiles } from './seed.ts';

const run = promisify(execFile);
const environment = { ...gitEnvironment(), GIT_CONFIG_COUNT: '0' };
const identity = ['-c', 'user.name=Dev', '-c', 'user.email=dev@example.com'];

async function git(...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { env: environment });
  return stdout.trim();
}

const header = (token: string): string =>
  `http.extraHeader=Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;

const tokens = [
  { token: 'sandbox-token', login: 'sandbox-admin' },
  { token: 'reader', login: 'ci[bot]', permissions: { contents: 'read' } },
] as const;

async function seeded() {
  const repositories = { 'octo/plugins': null, 'octo/secret': { private: true } };
  const workplace = await openWorkplace({ tokens, repositories });
  const path = workplace.server.repositoryPath('octo/plugins');
  const head = await commitFiles(path, 'main', { a: 'one\n', big: Buffer.alloc(5_000_000, 1) }, { message: 'One' });
  const url = `${workplace.server.serverUrl}/octo/plugins.git`;
  return { ...workplace, path, head, url, clone: join(workplace.directory, 'clone') };
}

describe('git over HTTP', () => {
  it('clones without a name, and without blobs where asked', async () => {
    await using workplace = await seeded();
    await git('clone', '--quiet', workplace.url, workplace.clone);
    expect(await git('-C', workplace.clone, 'rev-parse', 'HEAD')).toBe(workplace.head);
    const partial = join(workplace.directory, 'partial');
    await git('clone', '--quiet', '--bare', '--filter=blob:none', workplace.url, partial);
    const missing = await git('-C', partial, 'rev-list', '--objects', '--missing=print', 'HEAD');
    expect(missing.match(/^\?/gm)).toHaveLength(2);
  });

  it('takes a push, and brings the pull request along', async () => {
    await using workplace = await seeded();
    const { clone, client, path } = workplace;
    const here = { owner: 'octo', repo: 'plugins' };
    await git('-c', header('sandbox-token'), 'clone', '--quiet', workplace.url, clone);
    const push = async (content: string): Promise<string> => {
      await writeFile(join(clone, 'a'), content);
      await git('-C', clone, ...identity, 'commit', '--quiet', '-am', content);
      await git('-C', clone, '-c', header('sandbox-token'), 'push', '--quiet', 'origin', 'HEAD:refs/heads/feature');
      return git('-C', clone, 'rev-parse', 'HEAD');
    };
    const first = await push('two\n');
    expect(await gitText(path, ['rev-parse', 'feature'])).toBe(first);
    await client.rest.pulls.create({ ...here, title: 'Two', head: 'feature', base: 'main' });
    const second = await push('three\n');
    expect(await gitText(path, ['rev-parse', 'refs/pull/1/head'])).toBe(second);
  });

  it('refuses a push to whoever may not write', async () => {
    await using workplace = await seeded();
    await git('clone', '--quiet', workplace.url, workplace.clone);
    const push = (...options: string[]) =>
      git('-C', workplace.clone, ...options, 'push', '--quiet', 'origin', 'HEAD:refs/heads/mine');
    await expect(push()).rejects.toThrow(/could not read Username|Authentication failed/);
    await expect(push('-c', header('reader'))).rejects.toThrow(/403/);
    await expect(push('-c', header('wrong'))).rejects.toThrow(/Authentication failed|could not read Username/);
    const hidden = ['push', '--quiet', 'origin', 'HEAD:refs/pull/9/head'];
    await expect(git('-C', workplace.clone, '-c', header('sandbox-token'), ...hidden)).rejects.toThrow(/hidden ref/);
  });

  it('hides a private repository from strangers', async () => {
    await using workplace = await seeded();
    const url = `${workplace.server.serverUrl}/octo/secret.git`;
    await expect(git('ls-remote', url)).rejects.toThrow(/could not read Username|Authentication failed/);
    await expect(git('-c', header('sandbox-token'), 'ls-remote', url)).resolves.toBe('');
  });
});
