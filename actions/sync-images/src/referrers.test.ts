import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import type { EventContext } from '@slipway/core/github/event';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleManifest } from '@slipway/sandbox/images/sample-image';
import { makeIndex, type SampleIndex } from '@slipway/sandbox/images/sample-index';
import { makeArtifact, pushUnusualImage } from '@slipway/sandbox/images/unusual-images';
import { type RegistryOptions, type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const EMPTY_INDEX = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });

let directory: string;
let source: RegistryServer;
let target: RegistryServer;
let running: RegistryServer[];
let index: SampleIndex;

/** Lets a registry say so many times that nothing refers to anything. */
function listNothing(registry: RegistryServer, times: number): void {
  const headers = { 'content-type': OCI_INDEX };
  registry.failNext({ kind: 'status', status: 200, path: /referrers/, times, headers, body: EMPTY_INDEX });
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sync-referrers-'));
  running = [];
  await open({}, {});
  index = makeIndex([await image('amd64'), await image('arm64')]);
});

afterEach(async () => {
  await Promise.all(running.map((server) => server.close()));
  await rm(directory, { recursive: true, force: true });
});

function image(architecture: string) {
  return makeImage({ seed: 'app', architecture, os: 'linux', mediaTypes: 'oci', layers: [{ size: 9_000 }] });
}

/** Starts both registries, empty; the one of a side is from before the interface with `referrers: false`. */
async function open(ofSource: Partial<RegistryOptions>, ofTarget: Partial<RegistryOptions>): Promise<void> {
  const at = async (options: Partial<RegistryOptions>): Promise<RegistryServer> => {
    const server = await startRegistry({ directory: await mkdtemp(join(directory, 'registry-')), ...options });
    running.push(server);
    return server;
  };
  [source, target] = [await at(ofSource), await at(ofTarget)];
  const lines = [
    'registries:',
    `  cargo.example.com: { endpoint: "${source.url}", plain-http: true }`,
    `  harbor.example.com: { endpoint: "${target.url}", plain-http: true }`,
  ];
  await writeFile(join(directory, 'slipway.yaml'), lines.join('\n'));
}

async function sync(texts: Record<string, string> = {}, event: Partial<EventContext> = {}) {
  const env = { DOCKER_CONFIG: join(directory, 'none'), RUNNER_TEMP: join(directory, 'work') };
  const runtime = recordRuntime(env, event);
  const given = {
    config: join(directory, 'slipway.yaml'),
    images: 'cargo.example.com/team/app:v1 harbor.example.com/release/app:v1',
    referrers: 'true',
    ...texts,
  };
  const outputs = await run(inputsFrom(inputs, given), runtime);
  return { runtime, outputs };
}

const attach = (subject: SampleManifest, type: string, payload = type) =>
  makeArtifact(`application/vnd.example.${type}`, payload, subject);

type Artifact = ReturnType<typeof attach>;

const push = (artifact: Artifact, tag = artifact.manifest.digest, server = source, repository = 'team/app') =>
  pushUnusualImage(server.url, repository, artifact, tag);

const cosignTag = ({ digest }: { readonly digest: string }, suffix: string): string =>
  `${digest.replace(':', '-')}.${suffix}`;

async function listed(subject: string): Promise<string[]> {
  const response = await fetch(`${target.url}/v2/release/app/referrers/${subject}`);
  const { manifests } = (await response.json()) as { manifests: { digest: string }[] };
  return manifests.map(({ digest }) => digest);
}

const writes = (server: RegistryServer): string[] =>
  server.requests
    .filter(({ method }) => !['GET', 'HEAD'].includes(method))
    .map(({ method, path }) => `${method} ${path}`);

describe('sync-images with referrers', () => {
  it('copies what refers to an index, to its images and to its signatures, before the tag is written', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    const sbom = attach(index.manifest, 'sbom');
    const signature = attach(sbom.manifest, 'signature');
    const child = attach(index.children[1]?.manifest ?? index.manifest, 'scan');
    const cosign = attach(index.manifest, 'cosign');
    const bare = makeArtifact('application/vnd.dev.cosign', 'a tag without a subject');
    for (const one of [sbom, signature, child, cosign]) await push(one);
    await push(cosign, cosignTag(index.manifest, 'sig'));
    await push(bare, cosignTag(index.manifest, 'att'));

    const { runtime, outputs } = await sync();
    expect(runtime.failures).toEqual([]);
    expect(outputs.images).toMatchObject([{ result: 'copied', digest: index.manifest.digest }]);
    expect(await listed(index.manifest.digest)).toEqual([sbom, cosign].map(({ manifest }) => manifest.digest).sort());
    expect(await listed(sbom.manifest.digest)).toEqual([signature.manifest.digest]);
    expect(await listed(index.children[1]?.manifest.digest ?? '')).toEqual([child.manifest.digest]);
    for (const [suffix, { manifest }] of [
      ['sig', cosign],
      ['att', bare],
    ] as const) {
      const stored = await target.state.manifest('release/app', cosignTag(index.manifest, suffix));
      expect(stored?.content.equals(manifest.content)).toBe(true);
    }
    const puts = writes(target).filter((line) => line.startsWith('PUT') && line.includes('/manifests/'));
    expect(puts.at(-1)).toBe('PUT /v2/release/app/manifests/v1');
    const placeOf = ({ manifest }: Pick<Artifact, 'manifest'>): number =>
      puts.findIndex((line) => line.endsWith(manifest.digest));
    expect(placeOf(signature)).toBeLessThan(placeOf(sbom));
    // The image itself is there first, under its digest: some registries take no referrer to nothing.
    const [top, ...attached] = [index, signature, sbom, child].map(placeOf);
    expect(top).toBeGreaterThanOrEqual(0);
    expect(Math.min(...attached)).toBeGreaterThan(top ?? Number.NaN);
    expect(runtime.lines.join('\n')).toMatch(/moved in .*, with 6 referrers/);
  });

  it('are left alone, and not even asked for, unless they are wanted', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    await push(attach(index.manifest, 'sbom'));
    await sync({ referrers: 'false' });
    expect(await listed(index.manifest.digest)).toEqual([]);
    const before = source.requests.length + target.requests.length;
    await sync({ referrers: 'false' });
    expect(source.requests.length + target.requests.length - before).toBe(2);
  });

  it('brings what came later to an image that is there, and nothing else', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    await push(attach(index.manifest, 'sbom'));
    await sync();
    const nothing = writes(target).length;
    const asked = source.requests.length;
    expect((await sync()).outputs).toMatchObject({ changed: false, images: [{ result: 'skipped' }] });
    // The tag, the index, and four questions about it, its images and the SBOM: the list and cosign's tags.
    expect(source.requests.length - asked).toBe(1 + 1 + 4 * 4);
    expect(writes(target)).toHaveLength(nothing);

    const late = attach(index.manifest, 'signature');
    await push(late);
    expect((await sync()).outputs).toMatchObject({ changed: true, images: [{ result: 'copied' }] });
    expect(await listed(index.manifest.digest)).toContain(late.manifest.digest);
    expect(
      writes(target)
        .slice(nothing)
        .filter((line) => line.includes('/manifests/')),
    ).toEqual([`PUT /v2/release/app/manifests/${late.manifest.digest}`]);
  });

  it('adds to the list that a registry of old keeps under a tag', async () => {
    await open({}, { referrers: false });
    await pushImage(source.url, 'team/app', 'v1', index);
    const first = attach(index.manifest, 'sbom');
    await push(first);
    await sync();
    const tag = index.manifest.digest.replace(':', '-');
    const readList = async (): Promise<{
      annotations?: object;
      manifests: { digest: string; artifactType: string }[];
    }> => JSON.parse((await target.state.manifest('release/app', tag))?.content.toString() ?? '{}');
    expect((await readList()).manifests).toMatchObject([{ artifactType: 'application/vnd.example.sbom' }]);

    // Somebody signs it in the target.
    const theirs = attach(index.manifest, 'theirs');
    await push(theirs, undefined, target, 'release/app');
    const { digest, size, mediaType } = theirs.manifest;
    const list = await readList();
    const body = JSON.stringify({
      ...list,
      annotations: { kept: 'yes' },
      manifests: [...list.manifests, { digest, size, mediaType }],
    });
    await fetch(`${target.url}/v2/release/app/manifests/${tag}`, {
      method: 'PUT',
      body,
      headers: { 'content-type': OCI_INDEX },
    });

    const second = attach(index.manifest, 'signature');
    await push(second);
    expect((await sync()).runtime.failures).toEqual([]);
    expect(await readList()).toMatchObject({
      annotations: { kept: 'yes' },
      manifests: [first, theirs, second].map((one) => ({ digest: one.manifest.digest })),
    });
  });

  it('takes the list of a registry of old as it is', async () => {
    await open({ referrers: false }, { referrers: false });
    await pushImage(source.url, 'team/app', 'v1', index);
    const sbom = attach(index.manifest, 'sbom');
    await push(sbom);
    const { digest, size, mediaType } = sbom.manifest;
    const body = `${JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [{ mediaType, digest, size }] }, null, 3)}\n`;
    const tag = index.manifest.digest.replace(':', '-');
    await fetch(`${source.url}/v2/team/app/manifests/${tag}`, {
      method: 'PUT',
      body,
      headers: { 'content-type': OCI_INDEX },
    });
    expect((await sync()).runtime.failures).toEqual([]);
    expect((await target.state.manifest('release/app', tag))?.content.toString()).toBe(body);
    expect(await target.state.manifest('release/app', digest)).toBeDefined();
  });

  it('does not move a signature of the target, and writes no tag then; a dispatch may', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    const [ours, theirs] = [
      makeArtifact('application/vnd.dev.cosign', 'ours'),
      makeArtifact('application/vnd.dev.cosign', 'theirs'),
    ];
    const tag = cosignTag(index.manifest, 'sig');
    await push(ours, tag);
    await push(theirs, tag, target, 'release/app');
    const { runtime, outputs } = await sync();
    expect(outputs.failed).toBe(1);
    expect(runtime.failures[0]).toContain(
      `harbor.example.com/release/app:${tag} exists with the digest ${theirs.manifest.digest}`,
    );
    expect(await target.state.manifest('release/app', 'v1')).toBeUndefined();

    await sync({ overwrite: 'true', reason: 'signed again' }, { name: 'workflow_dispatch' });
    expect(await target.state.manifest('release/app', tag)).toMatchObject({ digest: ours.manifest.digest });
    expect(await target.state.manifest('release/app', 'v1')).toBeDefined();
  });

  it('warns when somebody signs while the image is copied, and brings that too', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    const late = attach(index.manifest, 'signature');
    await push(late);
    listNothing(source, 3);
    const { runtime } = await sync();
    expect(runtime.lines.filter((line) => line.startsWith('warning'))).toEqual([
      expect.stringMatching(
        /cargo\.example\.com\/team\/app: what refers to sha256:.* changed while it was being copied/,
      ),
    ]);
    expect(await listed(index.manifest.digest)).toEqual([late.manifest.digest]);
  });

  it('fails when the target does not list what it was given, and leaves no tag', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    const lost = attach(index.manifest, 'signature');
    await push(lost);
    listNothing(target, 9);
    const { runtime } = await sync();
    expect(runtime.failures[0]).toMatch(
      new RegExp(`${lost.manifest.digest} was copied and refers to .* does not list it`),
    );
    expect(await target.state.manifest('release/app', 'v1')).toBeUndefined();
  });

  it('waits for a target that lists late', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    const lost = attach(index.manifest, 'signature');
    await push(lost);
    listNothing(target, 3);
    expect((await sync()).runtime.failures).toEqual([]);
    expect(await listed(index.manifest.digest)).toEqual([lost.manifest.digest]);
  });

  it('says what is listed and not there, and goes on', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    const there = attach(index.manifest, 'sbom');
    await push(there);
    const dangling = `sha256:${'0'.repeat(64)}`;
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [dangling, there.manifest.digest].map((digest) => ({ mediaType: OCI_INDEX, digest, size: 9 })),
    });
    const path = new RegExp(`referrers/${index.manifest.digest}`);
    source.failNext({ kind: 'status', status: 200, path, times: 9, headers: { 'content-type': OCI_INDEX }, body });
    const { runtime, outputs } = await sync();
    expect(outputs.failed, runtime.failures.join()).toBe(0);
    expect(runtime.lines.join('\n')).toMatch(/sha256:0{64} is listed as a referrer, but it is not there/);
    expect(await listed(index.manifest.digest)).toEqual([there.manifest.digest]);
  });

  it('reads a list of several pages', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    const all = ['one', 'two'].map((type) => attach(index.manifest, type));
    for (const one of all) await push(one);
    const page = (artifact: Artifact | undefined): string =>
      JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [{ digest: artifact?.manifest.digest }] });
    const headers = { 'content-type': OCI_INDEX };
    const next = { link: `</v2/team/app/referrers/${index.manifest.digest}?page=2>; rel="next"` };
    const path = new RegExp(`referrers/${index.manifest.digest}`);
    for (let look = 0; look < 3; look += 1) {
      source.failNext({
        kind: 'status',
        status: 200,
        path: new RegExp(`${path.source}$`),
        headers: { ...headers, ...next },
        body: page(all[0]),
      });
      source.failNext({
        kind: 'status',
        status: 200,
        path: new RegExp(`${path.source}\\?page=2`),
        headers,
        body: page(all[1]),
      });
    }
    expect((await sync()).runtime.failures).toEqual([]);
    expect(await listed(index.manifest.digest)).toEqual(all.map(({ manifest }) => manifest.digest).sort());
  });

  it('writes nothing in a dry run, and says how many there are', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    await push(attach(index.manifest, 'sbom'));
    const { runtime } = await sync({ 'dry-run': 'true' });
    expect(writes(target)).toEqual([]);
    expect(runtime.lines.join('\n')).toMatch(/would copy .*, with 1 referrer$/m);
  });

  it('brings the signatures of the images that a filter leaves, and says that the index loses its own', async () => {
    await pushImage(source.url, 'team/app', 'v1', index);
    await push(attach(index.manifest, 'sbom'));
    const arm = index.children[1]?.manifest ?? index.manifest;
    const kept = attach(arm, 'scan');
    await push(kept);
    const { runtime } = await sync({ platforms: 'linux/arm64' });
    expect(runtime.lines.join('\n')).toMatch(/What refers to the old one, such as its signature, is left out/);
    expect(await listed(arm.digest)).toEqual([kept.manifest.digest]);
    expect(await listed(index.manifest.digest)).toEqual([]);
  });
});
