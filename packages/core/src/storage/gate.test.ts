import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseConfiguration } from '../configuration/configuration.ts';
import { connectGitHub } from '../github/connect.ts';
import { CredentialStore } from '../registry/credentials.ts';
import { Registries } from '../registry/registries.ts';
import { silentLog } from '../util/log.ts';
import { judgePullRequest } from './gate.ts';
import { openStorageRepository } from './storage-repository.ts';

let fixture: StorageFixture;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  for (const branch of ['production', 'staging', 'snapshot']) {
    await fixture.commit(branch, { Dockerfile: 'FROM scratch\n', ...packageFiles('foo', '1.0.0') }, null);
  }
  await fixture.publish('staging', await fixture.id('staging'));
});

afterEach(() => fixture.close());

it('gives no verdict on a pull request that is turned to another branch meanwhile', async () => {
  await fixture.commit('change', { 'packages/foo': null }, await fixture.id('snapshot'));
  const number = await fixture.openPullRequest('change', 'snapshot', '[snapshot] Change');
  const { registries, storage: settings } = parseConfiguration(fixture.configuration());
  const open = new Registries(registries, new CredentialStore(), silentLog);
  const openImages = async () => {
    await fixture.call('PATCH', `pulls/${number}`, { base: 'production' });
    return open.repository({ registry: 'registry.example.com', repository: 'distribution' });
  };
  const github = connectGitHub({ token: 'sandbox-token', apiUrl: fixture.github.apiUrl });
  const storage = openStorageRepository(github, fixture.repository);
  const judging = judgePullRequest(storage, number, { settings, to: undefined, openImages });
  await expect(judging).rejects.toThrow(/was turned to another branch meanwhile/);
  await open.close();
});
