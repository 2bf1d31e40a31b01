import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openWorkplace } from './contract-client.ts';
import { gitText, runGit } from './git/git-command.ts';
import { commitFiles } from './seed.ts';

const here = { owner: 'octo', repo: 'plugins' };
const submoduleCommit = '1234567890123456789012345678901234567890';

async function seeded() {
  const workplace = await openWorkplace();
  const path = workplace.server.repositoryPath('octo/plugins');
  const first = await commitFiles(
    path,
    'main',
    {
      'README.md': 'Hello\n',
      'bin/run.sh': { content: '#!/bin/sh\n', executable: true },
      'docs/läs mig.txt': 'hej\n',
      'link.md': { symlink: 'README.md' },
      'outside.md': { symlink: '/etc/hostname' },
      '.gitmodules': '[submodule "lib"]\n\tpath = vendor/lib\n\turl = https://example.com/lib.git\n',
      'vendor/lib': { submodule: submoduleCommit },
    },
    { message: 'First' },
  );
  return { ...workplace, path, first };
}

describe('trees', () => {
  it('lists every kind of entry, level by level and recursively', async () => {
    await using workplace = await seeded();
    const { data: flat } = await workplace.client.rest.git.getTree({ ...here, tree_sha: 'main' });
    expect(flat.tree.map(({ path, mode, type }) => [path, mode, type])).toEqual([
      ['.gitmodules', '100644', 'blob'],
      ['README.md', '100644', 'blob'],
      ['bin', '040000', 'tree'],
      ['docs', '040000', 'tree'],
      ['link.md', '120000', 'blob'],
      ['outside.md', '120000', 'blob'],
      ['vendor', '040000', 'tree'],
    ]);
    const { data: deep } = await workplace.client.rest.git.getTree({
      ...here,
      tree_sha: workplace.first,
      recursive: '1',
    });
    expect(deep.truncated).toBe(false);
    expect(deep.tree.find(({ path }) => path === 'vendor/lib')).toEqual({
      path: 'vendor/lib',
      mode: '160000',
      type: 'commit',
      sha: submoduleCommit,
    });
    expect(deep.tree.find(({ path }) => path === 'docs/läs mig.txt')?.size).toBe(4);
    expect(deep.tree.find(({ path }) => path === 'bin/run.sh')?.mode).toBe('100755');
  });

  it('cuts a recursive listing at 100,000 entries', async () => {
    await using workplace = await openWorkplace();
    const path = workplace.server.repositoryPath('octo/plugins');
    const blob = await gitText(path, ['hash-object', '-w', '--stdin'], { input: '' });
    const lines = Array.from(
      { length: 100_001 },
      (_, index) => `100644 blob ${blob}\t${String(index).padStart(6, '0')}`,
    );
    const tree = await gitText(path, ['mktree'], { input: `${lines.join('\n')}\n` });
    const { data } = await workplace.client.rest.git.getTree({ ...here, tree_sha: tree, recursive: '1' });
    expect(data.truncated).toBe(true);
    expect(data.tree).toHaveLength(100_000);
  });

  it('grafts an existing tree, adds and removes files on top of a base', async () => {
    await using workplace = await seeded();
    const { rest } = workplace.client;
    const { data: base } = await rest.git.getTree({ ...here, tree_sha: 'main' });
    const bin = base.tree.find(({ path }) => path === 'bin')?.sha ?? '';
    const { data: tree } = await rest.git.createTree({
      ...here,
      base_tree: base.sha,
      tree: [
        { path: 'packages/tools/1.0.0', mode: '040000', type: 'tree', sha: bin },
        { path: 'packages/tools/1.0.0/extra', mode: '100644', type: 'blob', content: 'more\n' },
        { path: 'docs/läs mig.txt', mode: '100644', type: 'blob', sha: null },
      ],
    });
    const listing = await gitText(workplace.path, [
      '-c',
      'core.quotePath=false',
      'ls-tree',
      '-r',
      '--name-only',
      tree.sha,
    ]);
    expect(listing.split('\n')).toEqual([
      '.gitmodules',
      'README.md',
      'bin/run.sh',
      'link.md',
      'outside.md',
      'packages/tools/1.0.0/extra',
      'packages/tools/1.0.0/run.sh',
      'vendor/lib',
    ]);
    await runGit(workplace.path, ['fsck', '--strict']);
  });

  it.each([
    ['a path with dots', { path: 'a/../b', mode: '100644', content: '' }, /malformed path component/],
    ['a blob that is not there', { path: 'a', mode: '100644', sha: `${'0'.repeat(39)}1` }, /is not a valid blob/],
    ['a removal of nothing', { path: 'absent', mode: '100644', sha: null }, /BadObjectState/],
    ['a removal of a directory', { path: 'bin', mode: '040000', sha: null }, /BadObjectState/],
  ] as const)('refuses %s', async (_, entry, message) => {
    await using workplace = await seeded();
    const { data: base } = await workplace.client.rest.git.getTree({ ...here, tree_sha: 'main' });
    const call = workplace.client.rest.git.createTree({ ...here, base_tree: base.sha, tree: [entry] });
    await expect(call).rejects.toMatchObject({ status: 422, message: expect.stringMatching(message) });
  });
});

describe('blobs, commits and refs', () => {
  it('builds a commit from nothing and moves a branch to it', async () => {
    await using workplace = await openWorkplace();
    const { rest } = workplace.client;
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    const { data: blob } = await rest.git.createBlob({
      ...here,
      content: bytes.toString('base64'),
      encoding: 'base64',
    });
    const { data: tree } = await rest.git.createTree({
      ...here,
      tree: [{ path: 'raw.bin', mode: '100644', type: 'blob', sha: blob.sha }],
    });
    const { data: commit } = await rest.git.createCommit({
      ...here,
      message: 'Add raw bytes',
      tree: tree.sha,
      author: { name: 'Åsa', email: 'asa@example.com', date: '2026-01-02T03:04:05+08:00' },
    });
    expect(commit.author).toEqual({ name: 'Åsa', email: 'asa@example.com', date: '2026-01-01T19:04:05Z' });
    await rest.git.createRef({ ...here, ref: 'refs/heads/main', sha: commit.sha });
    const path = workplace.server.repositoryPath('octo/plugins');
    expect(await gitText(path, ['log', '-1', '--format=%an %aI %B', 'main'])).toBe(
      'Åsa 2026-01-02T03:04:05+08:00 Add raw bytes',
    );
    const { data: read } = await rest.git.getBlob({ ...here, file_sha: blob.sha });
    expect(Buffer.from(read.content, 'base64')).toEqual(bytes);
    await runGit(path, ['fsck', '--strict']);
  });

  it('moves a branch forward only, unless forced', async () => {
    await using workplace = await seeded();
    const { rest } = workplace.client;
    const second = await commitFiles(workplace.path, 'main', { 'README.md': 'Hi\n' }, { message: 'Second' });
    const back = { ...here, ref: 'heads/main', sha: workplace.first };
    await expect(rest.git.updateRef(back)).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('Update is not a fast forward'),
    });
    const { data } = await rest.git.updateRef({ ...back, force: true });
    expect(data.object.sha).toBe(workplace.first);
    await rest.git.updateRef({ ...here, ref: 'heads/main', sha: second });
    expect((await rest.git.getRef({ ...here, ref: 'heads/main' })).data.object.sha).toBe(second);
  });

  it('lets one of several racing updates win', async () => {
    await using workplace = await seeded();
    const { rest } = workplace.client;
    const rivals: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      const parent = workplace.first;
      rivals.push(await commitFiles(workplace.path, `rival-${name}`, { name }, { message: name, parent }));
    }
    const results = await Promise.allSettled(
      rivals.map((sha) => rest.git.updateRef({ ...here, ref: 'heads/main', sha })),
    );
    const winners = rivals.filter((_, index) => results[index]?.status === 'fulfilled');
    expect(winners).toEqual([await gitText(workplace.path, ['rev-parse', 'main'])]);
  });

  it('keeps a signature as it was given', async () => {
    await using workplace = await seeded();
    const { rest } = workplace.client;
    const signature = '-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----';
    const { data: parent } = await rest.git.getCommit({ ...here, commit_sha: workplace.first });
    const { data } = await rest.git.createCommit({
      ...here,
      message: 'Signed',
      tree: parent.tree.sha,
      parents: [parent.sha],
      signature,
    });
    expect(data.verification).toMatchObject({ verified: false, signature });
    expect(await gitText(workplace.path, ['cat-file', 'commit', data.sha])).toContain(
      'gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\nSigned',
    );
    await runGit(workplace.path, ['fsck', '--strict']);
  });

  it('lists, creates and deletes refs', async () => {
    await using workplace = await seeded();
    const { rest } = workplace.client;
    for (const ref of ['refs/heads/promote/a', 'refs/heads/promote/b', 'refs/tags/promote']) {
      await rest.git.createRef({ ...here, ref, sha: workplace.first });
    }
    await expect(
      rest.git.createRef({ ...here, ref: 'refs/heads/promote/a', sha: workplace.first }),
    ).rejects.toMatchObject({ status: 422 });
    const { data } = await rest.git.listMatchingRefs({ ...here, ref: 'heads/promote/' });
    expect(data.map(({ ref }) => ref)).toEqual(['refs/heads/promote/a', 'refs/heads/promote/b']);
    await rest.git.deleteRef({ ...here, ref: 'heads/promote/a' });
    await expect(rest.git.getRef({ ...here, ref: 'heads/promote/a' })).rejects.toMatchObject({ status: 404 });
    await expect(rest.git.deleteRef({ ...here, ref: 'heads/main' })).rejects.toMatchObject({ status: 422 });
    const { data: branches } = await rest.repos.listBranches(here);
    expect(branches.map(({ name }) => name)).toEqual(['main', 'promote/b']);
    const { data: branch } = await rest.repos.getBranch({ ...here, branch: 'promote/b' });
    expect(branch.commit.sha).toBe(workplace.first);
  });

  it('tells what a commit changed, and how two branches differ', async () => {
    await using workplace = await seeded();
    const { rest } = workplace.client;
    const side = await commitFiles(
      workplace.path,
      'side/one',
      {
        'docs/läs mig.txt': null,
        'docs/readme.txt': 'hej\n',
        'bin/run.sh': { content: '#!/bin/sh\ntrue\n', executable: true },
      },
      { message: 'Rename', parent: workplace.first },
    );
    await commitFiles(workplace.path, 'main', { new: '1\n' }, { message: 'Main goes on' });
    const { data: commit } = await rest.repos.getCommit({ ...here, ref: 'side/one' });
    expect(commit.sha).toBe(side);
    expect(commit.stats).toEqual({ total: 1, additions: 1, deletions: 0 });
    expect(
      commit.files?.map(({ filename, status, previous_filename, patch }) => [
        filename,
        status,
        previous_filename,
        patch,
      ]),
    ).toEqual([
      ['bin/run.sh', 'modified', undefined, '@@ -1 +1,2 @@\n #!/bin/sh\n+true'],
      ['docs/readme.txt', 'renamed', 'docs/läs mig.txt', undefined],
    ]);
    const { data: comparison } = await rest.repos.compareCommitsWithBasehead({ ...here, basehead: 'main...side/one' });
    expect(comparison).toMatchObject({ status: 'diverged', ahead_by: 1, behind_by: 1, total_commits: 1 });
    expect(comparison.merge_base_commit.sha).toBe(workplace.first);
    expect(comparison.files).toHaveLength(2);
  });

  it('serves a repository in place, with the objects it borrows', async () => {
    await using source = await seeded();
    const borrower = join(source.directory, 'borrower.git');
    await runGit(borrower, ['init', '--bare', '--quiet', '--initial-branch=main', borrower]);
    await writeFile(join(borrower, 'objects/info/alternates'), `${join(source.path, 'objects')}\n`);
    await runGit(borrower, ['update-ref', 'refs/heads/main', source.first]);
    await source.server.addRepository('octo/borrower', { path: borrower });
    const there = { owner: 'octo', repo: 'borrower' };
    const { data } = await source.client.rest.repos.getContent({ ...there, path: 'README.md' });
    expect(data).toMatchObject({ type: 'file', encoding: 'base64', content: 'SGVsbG8K\n' });
    await source.client.rest.git.createRef({ ...there, ref: 'refs/heads/next', sha: source.first });
    expect(await gitText(borrower, ['rev-parse', 'refs/heads/next'])).toBe(source.first);
  });
});

describe('contents', () => {
  it('reads files, links, directories and submodules', async () => {
    await using workplace = await seeded();
    const { rest } = workplace.client;
    const read = async (path: string) => (await rest.repos.getContent({ ...here, path, ref: 'main' })).data;
    expect(await read('docs/läs mig.txt')).toMatchObject({
      type: 'file',
      path: 'docs/läs mig.txt',
      content: 'aGVqCg==\n',
    });
    expect(await read('link.md')).toMatchObject({ type: 'file', path: 'link.md', content: 'SGVsbG8K\n' });
    expect(await read('outside.md')).toMatchObject({ type: 'symlink', target: '/etc/hostname' });
    expect(await read('vendor/lib')).toMatchObject({
      type: 'submodule',
      submodule_git_url: 'https://example.com/lib.git',
    });
    expect(await read('vendor')).toMatchObject([{ type: 'file', name: 'lib', sha: submoduleCommit }]);
    expect(await read('')).toHaveLength(7);
    await expect(read('absent')).rejects.toMatchObject({ status: 404 });
    const raw = await rest.repos.getContent({ ...here, path: 'README.md', mediaType: { format: 'raw' } });
    expect(raw.data).toBe('Hello\n');
  });

  it('leaves a big file out of the JSON and serves its bytes raw', async () => {
    await using workplace = await openWorkplace();
    const big = Buffer.alloc(3 * 1024 * 1024, 'slipway ');
    await commitFiles(workplace.server.repositoryPath('octo/plugins'), 'main', { 'big.bin': big }, { message: 'Big' });
    const { data } = await workplace.client.rest.repos.getContent({ ...here, path: 'big.bin' });
    expect(data).toMatchObject({ type: 'file', size: big.length, content: '', encoding: 'none' });
    const sha = Array.isArray(data) ? '' : data.sha;
    const raw = await fetch(`${workplace.server.apiUrl}/repos/octo/plugins/git/blobs/${sha}`, {
      headers: { accept: 'application/vnd.github.raw' },
    });
    expect(Buffer.from(await raw.arrayBuffer()).equals(big)).toBe(true);
  });
});
