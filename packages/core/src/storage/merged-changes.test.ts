import type { SeedFile } from '@slipway/sandbox/github/seed';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectGitHub } from '../github/connect.ts';
import { changedNames, mergeChanges } from './merged-changes.ts';
import { addNames, readPackages } from './packages.ts';
import { openStorageRepository } from './storage-repository.ts';

let fixture: StorageFixture;

beforeEach(async () => {
  fixture = await StorageFixture.start();
});

afterEach(() => fixture.close());

async function judge(commits: { mergeBase: string; base: string; head: string }) {
  const github = connectGitHub({ token: 'sandbox-token', apiUrl: fixture.github.apiUrl });
  const { trees } = openStorageRepository(github, fixture.repository);
  const read = (commit: string) => readPackages(trees, commit, []);
  const [mergeBase, base, head] = [await read(commits.mergeBase), await read(commits.base), await read(commits.head)];
  const names = changedNames(mergeBase, head);
  const withNames = (packages: typeof base) => addNames(trees, packages, names);
  return mergeChanges(await withNames(mergeBase), await withNames(base), await withNames(head));
}

/** Returns the trees of the package versions at a commit or tree, by `name/version`. */
async function treesOf(treeish: string): Promise<Map<string, string>> {
  const lines = (await fixture.git('ls-tree', '-d', '-r', treeish, '--', 'packages/')).split('\n');
  const versions = lines.map((line) => /^040000 tree (\w{40})\tpackages\/([^/]+\/[^/]+)$/.exec(line));
  return new Map(versions.flatMap((found) => (found === null ? [] : [[found[2] ?? '', found[1] ?? '']])));
}

/** Numbers that look random and are the same each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    yield state >>> 8;
  }
}

const NAMES = ['a', 'b', 'c'];
const VERSIONS = ['1.0.0', '1.1.0', '2.0.0-rc.1'];

/** Something that people do to packages: add, replace and remove versions, remove and rename whole names. */
function change(random: Generator<number, never>): Record<string, SeedFile> {
  const pick = <T>(items: readonly T[]): T => items[random.next().value % items.length] as T;
  const [name, other, version] = [pick(NAMES), pick([...NAMES, 'd']), pick(VERSIONS)];
  switch (random.next().value % 6) {
    case 0:
      return { [`packages/${name}`]: null };
    case 1:
      return { [`packages/${name}/${version}`]: null };
    case 2:
      return { [`packages/${name}`]: null, ...packageFiles(other, version) };
    case 3:
      return packageFiles(name, version, `mended ${random.next().value % 2}\n`);
    default:
      return packageFiles(other, version);
  }
}

it('foretells what git makes of a merge', async () => {
  let merges = 0;
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = numbers(seed * 7919);
    const start = Object.assign({}, ...NAMES.slice(0, 2).map((name) => packageFiles(name, '1.0.0')));
    const mergeBase = await fixture.commit('start', { ...start, 'README.md': String(seed) }, null);
    const base = await fixture.commit('base', change(random), mergeBase);
    const head = await fixture.commit('head', { ...change(random), ...change(random) }, mergeBase);
    const changes = await judge({ mergeBase, base, head });
    for (const { kind } of changes) kinds.add(kind);
    const merged = await fixture.git('merge-tree', '--write-tree', base, head).catch(() => undefined);
    if (merged === undefined || changes.some(({ kind }) => kind === 'conflict')) continue;
    merges += 1;
    const expected = await treesOf(base);
    for (const { name, version, after } of changes) {
      if (after === undefined) expected.delete(`${name}/${version}`);
      else expected.set(`${name}/${version}`, after);
    }
    expect([...(await treesOf(merged))].sort(), `seed ${seed}`).toEqual([...expected].sort());
  }
  expect(merges).toBeGreaterThan(15);
  expect(kinds).toEqual(new Set(['added', 'overwritten', 'removed', 'conflict']));
}, 120_000);

it('calls it a conflict when the base has put something into a directory that the head has renamed', async () => {
  const mergeBase = await fixture.commit('start', { ...packageFiles('a', '1.0.0'), 'README.md': '' }, null);
  const base = await fixture.commit('base', packageFiles('a', '1.1.0'), mergeBase);
  const head = await fixture.commit('head', { 'packages/a': null, ...packageFiles('b', '1.0.0') }, mergeBase);
  expect((await judge({ mergeBase, base, head })).map(({ kind, name, version }) => [kind, name, version])).toEqual([
    ['removed', 'a', '1.0.0'],
    ['conflict', 'a', '1.1.0'],
    ['added', 'b', '1.0.0'],
  ]);
});

it('says nothing about what both sides have done alike', async () => {
  const mergeBase = await fixture.commit('start', packageFiles('a', '1.0.0'), null);
  const alike = { ...packageFiles('a', '1.0.0', 'mended'), ...packageFiles('a', '1.1.0') };
  const base = await fixture.commit('base', alike, mergeBase);
  const head = await fixture.commit('head', { ...alike, ...packageFiles('a', '1.2.0') }, mergeBase);
  expect((await judge({ mergeBase, base, head })).map(({ kind, version }) => [kind, version])).toEqual([
    ['added', '1.2.0'],
  ]);
});
