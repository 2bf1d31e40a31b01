import type { SeedFile } from '@slipway/sandbox/github/seed';
import { StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectGitHub } from '../github/connect.ts';
import { gitBlobId } from '../github/git-object.ts';
import { TreeReader } from '../github/tree-reader.ts';
import { editFiles } from './edit-files.ts';
import { treeOfFiles, writeEdit, writeFiles } from './tree-edit.ts';

let fixture: StorageFixture;

beforeEach(async () => {
  fixture = await StorageFixture.start();
});

afterEach(() => fixture.close());

const github = () => connectGitHub({ token: 'sandbox-token', apiUrl: fixture.github.apiUrl });

it.each([
  ['a new file', { 'new.txt': 'x' }],
  ['a new directory', { 'new/deep/x.txt': 'x', 'new/y.txt': 'y' }],
  ['a file that is replaced', { 'a.txt': 'other' }],
  ['a file that is removed', { 'd/b.txt': null }],
  ['the last file of a directory', { 'd/e/c.txt': null }],
  ['all of a directory', { 'd/b.txt': null, 'd/e/c.txt': null }],
  ['a directory in the place of a file', { 'a.txt': null, 'a.txt/x': 'x' }],
  ['a file in the place of a directory', { 'd/e/c.txt': null, 'd/e': 'x' }],
] satisfies [string, Record<string, string | null>][])('%s gives the root that git gives', async (_, changes) => {
  const files: Record<string, SeedFile> = {
    'a.txt': 'a',
    'd/b.txt': 'b',
    'd/e/c.txt': 'c',
    run: { content: '', executable: true },
  };
  const commit = await fixture.commit('main', files);
  const expected = await fixture.commit('expected', changes, commit);
  const named = Object.entries(changes).map(([path, text]) => {
    const bytes = Buffer.from(text ?? '');
    return { path, bytes, blob: text === null ? null : { id: gitBlobId(bytes), mode: '100644' as const } };
  });
  const edit = await editFiles(new TreeReader(github(), fixture.repository), commit, named);
  expect(edit.tree).toBe(await fixture.id(`${expected}^{tree}`));
  await writeFiles(github(), fixture.repository, named);
  await writeEdit(github(), fixture.repository, edit);
});

it('lays new files out as git does', async () => {
  const files = { 'manifest.yml': '1', 'docs/README.md': '2', 'docs/img/x.svg': '3', 'docs.txt': '4' };
  const commit = await fixture.commit('main', files);
  const laidOut = Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) }));
  expect(treeOfFiles(laidOut).tree).toBe(await fixture.id(`${commit}^{tree}`));
});
