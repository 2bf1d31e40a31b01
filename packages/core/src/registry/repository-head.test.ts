import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { startRegistry } from '@slipway/sandbox/registry/server';
import { expect, it, onTestFinished } from 'vitest';
import { isDigest } from '../image/digest.ts';
import { silentLog } from '../util/log.ts';
import { CredentialStore } from './credentials.ts';
import { Registries } from './registries.ts';

const NAME = 'registry.example.com';

it('is believed for a tag only: a digest that was asked for is never exchanged for another one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-head-'));
  const server = await startRegistry({ directory });
  const registries = new Registries(
    { [NAME]: { endpoint: server.url, 'plain-http': true } },
    new CredentialStore(),
    silentLog,
  );
  onTestFinished(async () => {
    await Promise.all([server.close(), registries.close()]);
    await rm(directory, { recursive: true, force: true });
  });
  const repository = registries.repository({ registry: NAME, repository: 'team/app' });
  const digests: string[] = [];
  for (const seed of ['wanted', 'other']) {
    const image = await makeImage({
      seed,
      architecture: 'amd64',
      os: 'linux',
      mediaTypes: 'oci',
      layers: [{ size: 9 }],
    });
    await pushImage(server.url, 'team/app', seed, image);
    digests.push(image.manifest.digest);
  }
  const [wanted = '', other = ''] = digests;
  const confuse = (path: RegExp): void => {
    server.failNext({ kind: 'status', method: 'HEAD', path, status: 200, headers: { 'docker-content-digest': other } });
  };
  confuse(/manifests\/sha256/);
  expect(isDigest(wanted) && (await repository.head(wanted))).toMatchObject({ digest: wanted });
  confuse(/manifests\/wanted/);
  expect(await repository.head('wanted')).toMatchObject({ digest: other });
});
