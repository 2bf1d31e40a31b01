import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CredentialStore } from '../registry/credentials.ts';
import { Registries } from '../registry/registries.ts';
import { silentLog } from '../util/log.ts';
import { readPublishedImage } from './published-image.ts';

const COMMIT = 'c'.repeat(40);
const OURS = {
  'org.opencontainers.image.revision': COMMIT,
  'dev.slipway.distribution': 'staging',
  'dev.slipway.layers': `base files staging:${'0a'.repeat(32)}`,
};

let directory: string;
let registry: RegistryServer;
let open: Registries;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'published-image-'));
  registry = await startRegistry({ directory });
  const settings = { 'registry.example.com': { endpoint: registry.url, 'plain-http': true } };
  open = new Registries(settings, new CredentialStore(), silentLog);
});

afterEach(async () => {
  await open.close();
  await registry.close();
  await rm(directory, { recursive: true });
});

const imageOf = (labels: object, layers = 3, architecture = 'amd64') =>
  makeImage({
    seed: 'x',
    architecture,
    os: 'linux',
    mediaTypes: 'oci',
    layers: Array.from({ length: layers }, () => ({ size: 100 })),
    config: { Labels: labels },
  });

async function read(image: Parameters<typeof pushImage>[3], name = 'staging') {
  await pushImage(registry.url, 'distribution', 'live', image);
  const repository = open.repository({ registry: 'registry.example.com', repository: 'distribution' });
  return readPublishedImage(repository, { name, tag: 'live' });
}

it('believes an image that we built, and one that knows nothing of us', async () => {
  expect(await read(await imageOf(OURS))).toMatchObject({ revision: COMMIT, isDerived: false });
  const foreign = { 'org.opencontainers.image.revision': COMMIT };
  expect(await read(await imageOf(foreign))).toMatchObject({ revision: COMMIT, isDerived: false });
});

it.each([
  ['was given another layer', OURS, 4, 'staging'],
  ['was squashed', OURS, 1, 'staging'],
  ['is the one of another distribution', OURS, 3, 'production'],
])('does not believe the labels of an image that %s', async (_, labels, layers, name) => {
  expect(await read(await imageOf(labels, layers), name)).toMatchObject({ revision: undefined, isDerived: true });
});

it('believes no platform when one of them is derived', async () => {
  const index = makeIndex([await imageOf(OURS), await imageOf(OURS, 4, 'arm64')]);
  expect(await read(index)).toMatchObject({ revision: undefined, isDerived: true });
});
