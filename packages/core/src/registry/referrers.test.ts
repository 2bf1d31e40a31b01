import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleManifest } from '@slipway/sandbox/images/sample-image';
import { makeIndex, type SampleIndex } from '@slipway/sandbox/images/sample-index';
import { makeArtifact, pushUnusualImage } from '@slipway/sandbox/images/unusual-images';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, isDigest } from '../image/digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import type { Log } from '../util/log.ts';
import { RetryBudget } from '../util/retry.ts';
import { BlobCopier } from './blob-copier.ts';
import { copyImage } from './copy-image.ts';
import { CredentialStore } from './credentials.ts';
import { fallbackTag, listReferrers, listsReferrers } from './referrers.ts';
import { Registries } from './registries.ts';
import type { Repository } from './repository.ts';
import { UploadJournal } from './upload-journal.ts';

let directory: string;
let undo: (() => Promise<void>)[];
let lines: string[];
let index: SampleIndex;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-referrers-'));
  undo = [];
  lines = [];
  const layers = [{ size: 900 }];
  const make = (architecture: string) =>
    makeImage({ seed: 'app', architecture, os: 'linux', mediaTypes: 'oci', layers });
  index = makeIndex([await make('amd64'), await make('arm64')]);
});

afterEach(async () => {
  await Promise.all(undo.map((close) => close()));
  await rm(directory, { recursive: true, force: true });
});

/** Starts a registry, by default one that lists no referrers, and opens one repository of it. */
async function open(repository: string, referrers = false): Promise<{ server: RegistryServer; opened: Repository }> {
  const server = await startRegistry({ directory: await mkdtemp(join(directory, 'registry-')), referrers });
  const name = `${repository.split('/')[0]}.example.com`;
  const log: Log = { info: (line) => lines.push(line), warning: (line) => lines.push(line) };
  const settings = { [name]: { endpoint: server.url, 'plain-http': true } };
  const budget = (): RetryBudget => new RetryBudget({ base: 1, retries: 2 });
  const registries = new Registries(settings, new CredentialStore(), log, budget);
  undo.push(async () => {
    await Promise.all([server.close(), registries.close()]);
  });
  return { server, opened: registries.repository({ registry: name, repository }) };
}

function digestOf({ digest }: { readonly digest: string }): Digest {
  if (!isDigest(digest)) throw new Error(digest);
  return digest;
}

const attach = (subject: SampleManifest, type: string) =>
  makeArtifact(`application/vnd.example.${type}`, type, subject);

/** Puts a list of one manifest under its tag, as whoever signs at a registry of old does it. */
async function putList(
  server: RegistryServer,
  repository: string,
  subject: Digest,
  { manifest }: { manifest: SampleManifest },
) {
  const { digest, size, mediaType } = manifest;
  const response = await fetch(`${server.url}/v2/${repository}/manifests/${fallbackTag(subject)}`, {
    method: 'PUT',
    body: JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [{ digest, size, mediaType }] }),
    headers: { 'content-type': OCI_INDEX },
  });
  expect(response.status).toBe(201);
}

async function listAt(server: RegistryServer, repository: string, subject: Digest): Promise<string[] | undefined> {
  const stored = await server.state.manifest(repository, fallbackTag(subject));
  if (stored === undefined) return undefined;
  return (JSON.parse(stored.content.toString()) as { manifests: { digest: string }[] }).manifests.map(digestOf);
}

function copy(source: Repository, target: Repository, targetTag = 'v1') {
  const wants = { platforms: [], overwrite: false, referrers: true, dryRun: false };
  const log: Log = { info: (line) => lines.push(line), warning: (line) => lines.push(line) };
  const blobs = new BlobCopier({ journal: new UploadJournal(join(directory, 'work')) });
  return copyImage({ source, sourceReference: 'v1', target, targetTag, ...wants }, blobs, log);
}

describe('the list of what refers to a manifest', () => {
  it('is not the manifest itself, which some registries find under the tag of the list', async () => {
    const { server, opened } = await open('source/app');
    await pushImage(server.url, 'source/app', 'v1', index);
    const subject = digestOf(index.manifest);
    await pushImage(server.url, 'source/app', fallbackTag(subject), index);
    expect(await listReferrers(opened, subject)).toEqual({ referrers: [], index: undefined });
  });

  it('is an index, and an image under its tag is refused', async () => {
    const { server, opened } = await open('source/app');
    const [child] = index.children;
    await pushImage(server.url, 'source/app', 'v1', index);
    const subject = digestOf(index.manifest);
    const stored = await server.state.manifest('source/app', child?.manifest.digest ?? '');
    await fetch(`${server.url}/v2/source/app/manifests/${fallbackTag(subject)}`, {
      method: 'PUT',
      body: new Uint8Array(stored?.content ?? Buffer.alloc(0)),
      headers: { 'content-type': OCI_MANIFEST },
    });
    await expect(listReferrers(opened, subject)).rejects.toThrow(/should be an index of what refers to/);
  });

  it('is known to be kept by the registry, whatever it answers about what is not there', async () => {
    const { server, opened } = await open('source/app', true);
    await pushImage(server.url, 'source/app', 'v1', index);
    const subject = digestOf(index.manifest);
    const absent = digestOf({ digest: `sha256:${'0'.repeat(64)}` });
    const refuse = (digest: Digest): void =>
      server.failNext({ kind: 'status', status: 404, path: new RegExp(`referrers/${digest}`) });
    refuse(absent);
    expect((await listReferrers(opened, absent)).referrers).toEqual([]);
    expect(listsReferrers(opened)).toBe(false);
    await listReferrers(opened, subject);
    expect(listsReferrers(opened)).toBe(true);
    refuse(absent);
    expect((await listReferrers(opened, absent)).referrers).toEqual([]);
    refuse(subject);
    await expect(listReferrers(opened, subject)).rejects.toThrow(
      /cannot list what refers to sha256:.*: the registry did so before, and has no answer now\. Run again/,
    );
    expect(listsReferrers(opened)).toBe(true);
  });

  it.each([
    [
      'another host',
      { link: '<https://elsewhere.example.com/more>; rel="next"' },
      /next page is on another host, elsew/,
    ],
    ['no index', { link: '<?page=2>; rel="next"' }, /the page \/v2\/source\/app\/referrers\/.*\?page=2 is no index/],
  ])('is not read on at %s', async (_, headers, message) => {
    const { server, opened } = await open('source/app', true);
    const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
    const subject = digestOf(index.manifest);
    server.failNext({ kind: 'status', status: 200, path: /referrers\/[^?]*$/, headers, body });
    server.failNext({ kind: 'status', status: 200, path: /referrers\/.*\?page=2/, body: '<html>' });
    await expect(listReferrers(opened, subject)).rejects.toThrow(message);
  });

  it('ends', async () => {
    const { server, opened } = await open('source/app', true);
    const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
    const headers = { link: '<?page=2>; rel="next"' };
    server.failNext({ kind: 'status', status: 200, path: /referrers/, times: 2000, headers, body });
    await expect(listReferrers(opened, digestOf(index.manifest))).rejects.toThrow(/goes on after 1000 pages/);
  });
});

describe('a copy with the list of a registry of old', () => {
  it('leaves out of the list what was not there to be copied', async () => {
    const [source, target] = [await open('source/app'), await open('target/app')];
    await pushImage(source.server.url, 'source/app', 'v1', index);
    const sbom = attach(index.manifest, 'sbom');
    await pushUnusualImage(source.server.url, 'source/app', sbom, sbom.manifest.digest);
    const subject = digestOf(index.manifest);
    const { digest, size, mediaType } = sbom.manifest;
    const there = { digest, size, mediaType };
    const list = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ ...there, digest: `sha256:${'0'.repeat(64)}` }, there],
    });
    // A registry that checks an index refuses such a list; one that does not has it.
    const answer = { kind: 'status', status: 200, times: 99, path: new RegExp(`${fallbackTag(subject)}$`) } as const;
    source.server.failNext({ ...answer, headers: { 'content-type': OCI_INDEX }, body: list });
    expect(await copy(source.opened, target.opened)).toMatchObject({ result: 'copied', referrers: 1 });
    expect(lines.join('\n')).toMatch(/is listed as a referrer, but it is not there/);
    expect(await listAt(target.server, 'target/app', subject)).toEqual([sbom.manifest.digest]);
  });

  it('keeps what somebody adds to it while the copy runs, and lists nothing twice', async () => {
    const [source, target] = [await open('source/app', true), await open('target/app')];
    await pushImage(source.server.url, 'source/app', 'v1', index);
    await pushImage(target.server.url, 'target/app', 'v1', index);
    const subject = digestOf(index.manifest);
    const [ours, theirs] = [attach(index.manifest, 'ours'), attach(index.manifest, 'theirs')];
    await pushUnusualImage(source.server.url, 'source/app', ours, ours.manifest.digest);
    await pushUnusualImage(target.server.url, 'target/app', theirs, theirs.manifest.digest);
    // Somebody signs when the target's list has been looked at, and ours is read from the source.
    const manifest = source.opened.manifest.bind(source.opened);
    source.opened.manifest = async (reference) => {
      if (reference === ours.manifest.digest) {
        await putList(target.server, 'target/app', subject, theirs);
      }
      return manifest(reference);
    };
    await copy(source.opened, target.opened);
    const both = [theirs, ours].map((one) => one.manifest.digest);
    expect(await listAt(target.server, 'target/app', subject)).toEqual(both);
  });

  it('is changed by one copy at a time', async () => {
    const [source, target] = [await open('source/app', true), await open('target/app')];
    await pushImage(source.server.url, 'source/app', 'v1', index);
    await pushImage(target.server.url, 'target/app', 'v1', index);
    await pushImage(target.server.url, 'target/app', 'v2', index);
    const sbom = attach(index.manifest, 'sbom');
    await pushUnusualImage(source.server.url, 'source/app', sbom, sbom.manifest.digest);
    await Promise.all(['v1', 'v2'].map((tag) => copy(source.opened, target.opened, tag)));
    const subject = digestOf(index.manifest);
    expect(await listAt(target.server, 'target/app', subject)).toEqual([sbom.manifest.digest]);
    const puts = target.server.requests.filter(
      ({ method, path }) => method === 'PUT' && path.endsWith(`/manifests/${fallbackTag(subject)}`),
    );
    expect(puts).toHaveLength(1);
  });
});
