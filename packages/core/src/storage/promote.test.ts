import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfiguration } from '../configuration/configuration.ts';
import { findDistribution } from '../configuration/storage.ts';
import { connectGitHub, type GitHub } from '../github/connect.ts';
import { CredentialStore } from '../registry/credentials.ts';
import { Registries } from '../registry/registries.ts';
import { silentLog } from '../util/log.ts';
import { promote, removePromoted } from './promote.ts';
import { openStorageRepository } from './storage-repository.ts';

const COMMON = { Dockerfile: 'FROM registry.example.com/registry:v1.15.0\n' };

let fixture: StorageFixture;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  await fixture.commit('production', COMMON, null);
  const staging = await fixture.commit('staging', { ...COMMON, ...packageFiles('foo', '1.0.0') }, null);
  await fixture.commit(
    'snapshot',
    { ...COMMON, ...packageFiles('foo', '1.0.0'), ...packageFiles('foo', '1.1.0') },
    null,
  );
  await fixture.publish('staging', staging);
});

afterEach(() => fixture.close());

/** A GitHub where something happens just before a change is sent, each time it is sent. */
function interrupted(route: string, happens: (time: number) => Promise<unknown>): GitHub {
  const github = connectGitHub({ token: 'sandbox-token', apiUrl: fixture.github.apiUrl });
  let time = 0;
  return {
    ...github,
    send: async (method, path, body, purpose) => {
      if (`${method} ${path}`.endsWith(route)) await happens(++time);
      return github.send(method, path, body, purpose);
    },
  };
}

function request() {
  const settings = parseConfiguration(fixture.configuration()).storage;
  const [from, to] = ['snapshot', 'staging'].map((name) => findDistribution(settings, name));
  if (from === undefined || to === undefined) throw new Error('the distributions are those of the default');
  return { settings, from, to, dryRun: false };
}

async function promoteVia(github: GitHub) {
  const storage = openStorageRepository(github, fixture.repository);
  return promote(storage, { ...request(), selection: ['foo-1.1.0'], overwrite: false, reason: undefined });
}

async function removeVia(github: GitHub) {
  const { registries } = parseConfiguration(fixture.configuration());
  const open = new Registries(registries, new CredentialStore(), silentLog);
  const images = open.repository({ registry: 'registry.example.com', repository: 'distribution' });
  const storage = openStorageRepository(github, fixture.repository);
  return removePromoted(storage, { ...request(), to: undefined, selection: 'all', images });
}

describe('while a promotion is prepared', () => {
  it('the base moves: it is made again on the new head', async () => {
    const github = interrupted('/pulls', (time) => fixture.commit('staging', packageFiles('late', `${time}.0.0`)));
    const { branch, pullRequest } = await promoteVia(github);
    expect(await fixture.id(`${branch}^`)).toBe(await fixture.id('staging'));
    expect(await fixture.packages(branch)).toEqual(['foo/1.0.0', 'foo/1.1.0', 'late/1.0.0']);
    expect(pullRequest).toBe(1);
  });

  it('the version changes: what is promoted is what is there in the end', async () => {
    const happens = () => fixture.commit('snapshot', packageFiles('foo', '1.1.0', 'mended'));
    const { branch, plan } = await promoteVia(interrupted('/git/refs', happens));
    const tree = await fixture.id('snapshot:packages/foo/1.1.0');
    expect(plan.promoted).toMatchObject([{ tree }]);
    expect(await fixture.id(`${branch}:packages/foo/1.1.0`)).toBe(tree);
  });

  it('somebody changes its branch: that is not lost', async () => {
    const { branch } = await promoteVia(interrupted('/nowhere', () => Promise.resolve()));
    await fixture.commit('staging', packageFiles('late', '1.0.0'));
    const happens = () => fixture.commit(branch, { 'README.md': 'mine' });
    await expect(promoteVia(interrupted('/git/commits', happens))).rejects.toThrow(/is not ours and would be lost/);
    expect(await fixture.git('show', `${branch}:README.md`)).toBe('mine');
  });

  it('the version disappears: that is said', async () => {
    const github = interrupted('/git/trees', () => fixture.commit('snapshot', { 'packages/foo/1.1.0': null }));
    await expect(promoteVia(github)).rejects.toThrow(/does not hold foo-1.1.0/);
  });

  it('others bring the same version with other content: nothing is put over it', async () => {
    const github = interrupted('/git/commits', () => fixture.commit('staging', packageFiles('foo', '1.1.0', 'other')));
    const { plan } = await promoteVia(github);
    expect(plan.refused).toHaveLength(1);
    expect(await fixture.git('for-each-ref', 'refs/heads/promote')).not.toBe('');
  });

  it('the base never stands still: it gives up and says so', async () => {
    const github = interrupted('/git/commits', (time) => fixture.commit('staging', { 'README.md': String(time) }));
    await expect(promoteVia(github)).rejects.toThrow(/went on moving/);
  });
});

describe('while a removal is prepared', () => {
  it('the promotion is reverted: nothing is removed any more', async () => {
    const github = interrupted('/git/trees', () => fixture.commit('staging', { 'packages/foo': null }));
    const { plan, pullRequest } = await removeVia(github);
    expect(plan).toMatchObject({ removed: [], edit: undefined });
    expect(pullRequest).toBeUndefined();
    expect(await fixture.packages('snapshot')).toEqual(['foo/1.0.0', 'foo/1.1.0']);
  });

  it('the version is replaced: the new one stays', async () => {
    const github = interrupted('/git/refs', () => fixture.commit('snapshot', packageFiles('foo', '1.0.0', 'new')));
    const { plan } = await removeVia(github);
    expect(plan).toMatchObject({ removed: [], refused: [{ name: 'foo', version: '1.0.0' }] });
  });
});
