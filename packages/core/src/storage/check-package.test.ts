import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectGitHub } from '../github/connect.ts';
import { checkPackages } from './check-package.ts';
import { listVersions, readPackages } from './packages.ts';
import { openStorageRepository } from './storage-repository.ts';

let fixture: StorageFixture;

beforeEach(async () => {
  fixture = await StorageFixture.start();
});

afterEach(() => fixture.close());

/** Checks all package versions of a commit with these files, and counts what GitHub was asked for. */
async function check(files: Parameters<StorageFixture['commit']>[1]) {
  const commit = await fixture.commit('staging', files, null);
  const github = connectGitHub({ token: 'sandbox-token', apiUrl: fixture.github.apiUrl });
  const storage = openStorageRepository(github, fixture.repository);
  const versions = listVersions(await readPackages(storage.trees, commit, 'all'));
  const before = fixture.github.requests.length;
  const problems = await checkPackages(storage, commit, versions);
  return { versions: versions.length, problems, requests: fixture.github.requests.length - before };
}

it('asks once for the files of a name and once for a hundred manifests', async () => {
  const files = Array.from({ length: 110 }, (_, index) => packageFiles(`p${index % 10}`, `1.${index}.0`));
  const { versions, problems, requests } = await check(Object.assign({}, ...files));
  expect(problems).toEqual([]);
  expect(versions).toBe(110);
  expect(requests).toBe(10 + 2);
});

it('finds for each version its own files, whatever its neighbours are called', async () => {
  const { problems } = await check({
    ...packageFiles('foo', '1.0.0'),
    ...packageFiles('foo', '1.0.0-beta.1'),
    'packages/foo/1.0.0-beta.1/manifest.yml': 'name: foo\nversion: 1.0.0\n',
    'packages/foo/1.0.1/README.md': '',
  });
  expect(problems).toEqual([
    'packages/foo/1.0.0-beta.1/manifest.yml: `version` is "1.0.0"; the directory says \'1.0.0-beta.1\'.',
    'packages/foo/1.0.1 has no manifest.yml.',
  ]);
});

it.each([
  ['removes another one in an image', 'docs/.wh.README.md', /a name that begins with '.wh.' removes another file/],
  ['stands in a directory that does', '.wh.docs/README.md', /a name that begins with '.wh.' removes another file/],
  ['is not UTF-8, as GitHub shows it', 'docs/\ufffd.md', /its name is not UTF-8/],
  ['nobody could unpack', `docs/${'ä'.repeat(128)}`, /no file system takes names over 255 bytes/],
])('refuses a file whose name %s', async (_, path, reason) => {
  const { problems } = await check({ ...packageFiles('foo', '1.0.0'), [`packages/foo/1.0.0/${path}`]: '' });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(reason);
});

it('does not read a manifest that is none', async () => {
  const manifest = `name: foo\nversion: 1.0.0\nx: ${'x'.repeat(1024 * 1024)}\n`;
  const { problems } = await check({ 'packages/foo/1.0.0/manifest.yml': manifest });
  expect(problems.join()).toMatch(/manifest.yml has \d+ bytes; more than 1 MiB is no manifest/);
});
