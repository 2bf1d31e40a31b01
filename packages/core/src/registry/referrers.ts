import { ActionError } from '../errors.ts';
import { type Digest, isDigest, splitDigest } from '../image/digest.ts';
import type { RawManifest } from '../image/manifest.ts';
import { isIndexType, OCI_INDEX } from '../image/media-type.ts';
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

/**
 * Whether a repository's registry lists referrers, by the repository's name: one host may serve several kinds of them. One
 * from before version 1.1 of the specification does not.
 */
const listing = new WeakMap<Registry, Map<string, boolean>>();

const MAX_PAGES = 1000;

/** An answer is an index, and no larger than one. */
const LIMIT = 4 * 1024 * 1024;

/** Says whether the registry lists referrers itself; only after `listReferrers` has asked it about what is there. */
export function listsReferrers({ registry, name }: Repository): boolean {
  return listing.get(registry)?.get(name) === true;
}

function learn({ registry, name }: Repository, lists: boolean): void {
  const known = listing.get(registry) ?? new Map<string, boolean>();
  listing.set(registry, known.set(name, lists));
}

/**
 * Lists what refers to a manifest: by the registry's own interface, else from the index under the fallback tag.
 *
 * Registries answer 404 for a manifest that is not there as well as for a question that they do not know: only what is
 * there teaches that they do not list, and one that did list does not unlearn it.
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function listReferrers(repository: Repository, subject: Digest): Promise<ReferrerList> {
  const { registry, name } = repository;
  if (listing.get(registry)?.get(name) !== false) {
    const referrers = await askForReferrers(repository, subject);
    if (referrers !== undefined) {
      learn(repository, true);
      return { referrers, index: undefined };
    }
    const isThere = (await repository.head(subject)) !== undefined;
    if (listsReferrers(repository)) {
      if (!isThere) return { referrers: [], index: undefined };
      throw unreadable(repository, subject, 'the registry did so before, and has no answer now');
    }
    if (isThere) learn(repository, false);
  }
  return readFallback(repository, subject);
}

async function readFallback(repository: Repository, subject: Digest): Promise<ReferrerList> {
  const tag = fallbackTag(subject);
  const head = await repository.head(tag);
  // GitLab's registry takes the name of this tag for the digest, and finds the manifest itself.
  if (head === undefined || head.digest === subject) return { referrers: [], index: undefined };
  const index = await repository.manifest(tag);
  const referrers = isIndexType(index.mediaType) ? parseReferrers(index.bytes) : undefined;
  if (referrers !== undefined) return { referrers, index };
  throw new ActionError(
    'invalid-manifest',
    `${repository}:${tag} should be an index of what refers to ${subject}, and is none. Remove that tag, or sign again.`,
  );
}

function unreadable(repository: Repository, subject: string, why: string): ActionError {
  return new ActionError(
    'referrers-unreadable',
    `${repository}: cannot list what refers to ${subject}: ${why}. ` +
      "Run again; if it stays so, look at the registry's log, and at what stands before it.",
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
  let path = `/v2/${repository.name}/referrers/${subject}`;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await readPage(repository, path, page === 0);
    if (answer === undefined && page === 0) return undefined;
    if (answer === undefined) throw unreadable(repository, subject, `the page ${path} is no index`);
    found.push(...answer.referrers);
    if (answer.next === undefined) return found;
    path = resolveNext(repository, subject, path, answer.next);
  }
  throw unreadable(repository, subject, `the list goes on after ${MAX_PAGES} pages`);
}

/** Returns the address of the next page, seen from the one that named it: no other server has a say in this. */
function resolveNext(repository: Repository, subject: Digest, path: string, next: string): string {
  const { registry } = repository;
  const purpose = `list what refers to ${subject} in ${repository}`;
  const wanted = registry.addressIn(next, path, purpose);
  if (wanted.origin === registry.addressIn(path, path, purpose).origin) return `${wanted.pathname}${wanted.search}`;
  throw unreadable(repository, subject, `its next page is on another host, ${wanted.host}`);
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
