import { ActionError } from '../errors.ts';
import { type Digest, isDigest, splitDigest } from '../image/digest.ts';
import type { RawManifest } from '../image/manifest.ts';
import { OCI_INDEX } from '../image/media-type.ts';
import { readAll } from '../util/content.ts';
import { NetworkError } from '../util/http.ts';
import { isRecord } from '../util/record.ts';
import type { Registry } from './registry.ts';
import type { Repository } from './repository.ts';

/** One manifest that names another one as its subject. */
export interface Referrer {
  readonly digest: Digest;
  /** The whole descriptor as it was listed, with the type of the artifact and its annotations. */
  readonly descriptor: Readonly<Record<string, unknown>>;
}

export interface ReferrerList {
  readonly referrers: readonly Referrer[];
  /** The index that a registry without the interface keeps under a tag; undefined when there is none. */
  readonly index: RawManifest | undefined;
}

/** Registries are asked once whether they list referrers; one from before version 1.1 of the specification does not. */
const listing = new WeakMap<Registry, boolean>();

const MAX_PAGES = 1000;

/** An answer is an index, and no larger than one. */
const LIMIT = 4 * 1024 * 1024;

/** Says whether the registry lists referrers itself; only after `listReferrers` has asked it. */
export function listsReferrers({ registry }: Repository): boolean {
  return listing.get(registry) === true;
}

/**
 * Lists what refers to a manifest: by the registry's own interface, else from the index under the fallback tag.
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function listReferrers(repository: Repository, subject: Digest): Promise<ReferrerList> {
  const { registry } = repository;
  if (listing.get(registry) !== false) {
    const referrers = await askForReferrers(repository, subject);
    listing.set(registry, referrers !== undefined);
    if (referrers !== undefined) return { referrers, index: undefined };
  }
  const tag = fallbackTag(subject);
  if ((await repository.head(tag)) === undefined) return { referrers: [], index: undefined };
  const index = await repository.manifest(tag);
  const referrers = parseReferrers(index.bytes);
  if (referrers !== undefined) return { referrers, index };
  throw new ActionError(
    'invalid-manifest',
    `${repository}:${tag} should be an index of what refers to ${subject}, and is none. Remove that tag, or sign again.`,
  );
}

/** Returns the tag under which registries without the interface keep the list: the digest, cut to what fits into a tag. */
export function fallbackTag(subject: Digest): string {
  const { algorithm, hex } = splitDigest(subject);
  return `${algorithm}-${hex.slice(0, 64)}`;
}

/** Undefined when the registry does not know the question. */
async function askForReferrers(repository: Repository, subject: Digest): Promise<Referrer[] | undefined> {
  const found: Referrer[] = [];
  let path: string | undefined = `/v2/${repository.name}/referrers/${subject}`;
  for (let page = 0; path !== undefined && page < MAX_PAGES; page += 1) {
    const answer = await readPage(repository, path, page === 0);
    if (answer === undefined) return undefined;
    found.push(...answer.referrers);
    path = answer.next;
  }
  return found;
}

interface Page {
  readonly referrers: readonly Referrer[];
  readonly next: string | undefined;
}

/** Undefined when the registry does not know the question, which shows with the first page. */
async function readPage({ registry, name }: Repository, path: string, first: boolean): Promise<Page | undefined> {
  const purpose = `list what refers to a manifest of ${registry.name}/${name} (${path})`;
  return registry.retry(purpose, async () => {
    const response = await registry.request({
      method: 'GET',
      path,
      scope: `repository:${name}:pull`,
      headers: { accept: OCI_INDEX },
      expect: first ? [200, 400, 404, 405, 501] : [200],
      purpose,
      attempts: 1,
    });
    if (response.status !== 200) {
      await response.discard();
      return undefined;
    }
    const bytes = await readAll(response.body, LIMIT).catch((error: unknown) => {
      throw new NetworkError('GET', new URL(`https://${registry.name}/v2/${name}/referrers`), error);
    });
    // A page for people, where an index should be, is no answer either.
    const referrers = parseReferrers(bytes);
    const next = /<([^>]+)>\s*;\s*rel="?next"?/i.exec(response.headers['link'] ?? '')?.[1];
    return referrers && { referrers, next };
  });
}

function parseReferrers(bytes: Buffer): Referrer[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const manifests = value['manifests'] ?? [];
  if (!Array.isArray(manifests)) return undefined;
  return manifests.flatMap((descriptor: unknown) => {
    const digest = isRecord(descriptor) ? descriptor['digest'] : undefined;
    return isRecord(descriptor) && typeof digest === 'string' && isDigest(digest) ? [{ digest, descriptor }] : [];
  });
}
