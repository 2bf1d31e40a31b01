import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFileLayer } from '@slipway/sandbox/images/file-layer';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { composeImage } from '@slipway/sandbox/images/sample-image';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CredentialStore } from '../registry/credentials.ts';
import { Registries } from '../registry/registries.ts';
import { silentLog } from '../util/log.ts';
import { formatLabels } from './labels.ts';
import { needImage } from './published-distribution.ts';
import { moveTag } from './tag-moves.ts';

const IMAGES = 'distribution';
const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];

let directory: string;
let registry: RegistryServer;
let registries: Registries;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tag-moves-'));
  registry = await startRegistry({ directory: join(directory, 'registry') });
  const settings = { 'images.example.com': { endpoint: registry.url, 'plain-http': true } };
  registries = new Registries(settings, new CredentialStore(), silentLog);
});

afterEach(async () => {
  await Promise.all([registries.close(), registry.close()]);
  rmSync(directory, { recursive: true, force: true });
});

/** Pushes an image that says it was built from a commit. */
async function push(revision: string, tag: string): Promise<void> {
  const base = { name: 'base', digest: `sha256:${'0'.repeat(64)}` } as const;
  const labels = formatLabels({ distribution: 'production', revision, base, upstreams: [], layers: ['files'] });
  const layer = makeFileLayer({ revision });
  const image = composeImage([layer], {
    architecture: 'amd64',
    os: 'linux',
    mediaTypes: 'oci',
    config: { Labels: labels },
  });
  await pushImage(registry.url, IMAGES, tag, image);
}

/** Moves the tag to the image of b; `meanwhile` happens when what the tag shows has been judged for the first time. */
async function move(meanwhile: () => Promise<void>) {
  const images = registries.repository({ registry: 'images.example.com', repository: IMAGES });
  const image = await needImage(images, B, 'test');
  if (image.labels === undefined) throw new Error('the image has no labels');
  let isFirst = true;
  const isAncestor = async (ancestor: string, descendant: string): Promise<boolean> => {
    if (isFirst) await meanwhile();
    isFirst = false;
    return ancestor <= descendant;
  };
  // What is built of the context is asked only for another image of the same commit.
  const context = { branch: { commit: B }, distribution: { tag: 'production' } } as Parameters<typeof moveTag>[0];
  const sources = { base: { image }, upstreams: [] } as unknown as Parameters<typeof moveTag>[1];
  const candidate = { digest: image.digest, labels: image.labels };
  const options = { images, isAncestor, isHead: async () => true, keepTag: false, dryRun: false };
  return moveTag(context, sources, candidate, options);
}

const shown = async () => (await registry.state.manifest(IMAGES, 'production'))?.digest;

it('moves a tag forward', async () => {
  await push(A, 'production');
  await push(B, B);
  expect(await move(async () => undefined)).toEqual({ moved: true, superseded: undefined });
  expect(await shown()).toBe((await registry.state.manifest(IMAGES, B))?.digest);
});

it('judges again when somebody moved the tag meanwhile', async () => {
  await push(A, 'production');
  await push(B, B);
  const { moved, superseded } = await move(() => push(C, 'production'));
  expect([moved, superseded]).toEqual([false, expect.stringMatching(/c{40}, and b{40} does not come after it/)]);
  await push(C, C);
  expect(await shown()).toBe((await registry.state.manifest(IMAGES, C))?.digest);
});
