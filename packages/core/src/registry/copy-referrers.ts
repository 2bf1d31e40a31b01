import { setTimeout as sleep } from 'node:timers/promises';
import { ActionError, ConfigurationError } from '../errors.ts';
import { type Digest, digestOf, splitDigest } from '../image/digest.ts';
import { OCI_INDEX } from '../image/media-type.ts';
import type { Log } from '../util/log.ts';
import { mapPooled } from '../util/pool.ts';
import type { BlobCopier } from './blob-copier.ts';
import { copyContent, planCopy, putManifest } from './copy-plan.ts';
import { fallbackTag, listReferrers, listsReferrers, type Referrer, type ReferrerList } from './referrers.ts';
import { type Registry, RegistryError } from './registry.ts';
import type { Repository } from './repository.ts';

/** What cosign calls the tags under which it keeps signatures, attestations and lists of contents. */
const COSIGN_SUFFIXES = ['sig', 'att', 'sbom'] as const;

/** Manifests that are looked up at once. */
const LOOKUPS = 8;

/** Pauses before each look at what the target lists, milliseconds: some registries list what they have a little later. */
const SETTLING = [0, 500, 1_000, 2_000];

export interface ReferrerRequest {
  readonly source: Repository;
  readonly target: Repository;
  /** The image's manifests: its index and every image in it. */
  readonly subjects: readonly Digest[];
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}

/** What is attached to one manifest. */
interface Attached extends ReferrerList {
  readonly subject: Digest;
  readonly tags: readonly { readonly tag: string; readonly digest: Digest }[];
}

/**
 * Copies what refers to an image, and to what refers to it in turn: what the registry lists for each of its manifests, and
 * the tags `sha256-<hex>.sig`, `.att` and `.sbom` that cosign names after them.
 *
 * The remotest come first, so that nothing is listed before what belongs to it is there. Everything is read back at the
 * end. Tags of the target are no more moved than those of images; the list that a registry of old keeps under a tag is
 * added to, as the specification wants it.
 */
export class ReferrerCopy {
  readonly #request: ReferrerRequest;
  readonly #log: Log;
  #found: readonly Attached[] | undefined;
  /** What is listed and cannot be read. */
  readonly #gone = new Set<Digest>();

  constructor(request: ReferrerRequest, log: Log) {
    this.#request = request;
    this.#log = log;
  }

  /** How many manifests were found in the source. */
  get count(): number {
    return digestsOf(this.#found ?? []).size;
  }

  /** Looks into the source; once more after the image was copied, and what came in between is seen. */
  async look(): Promise<void> {
    const before = this.#found;
    const { source, subjects } = this.#request;
    this.#found = await collect(source, subjects);
    if (before !== undefined && fingerprint(before) !== fingerprint(this.#found)) {
      this.#log.warning(
        `${source}: what refers to ${subjects[0]} changed while it was being copied: somebody is still signing, or the ` +
          'registry lists late. Run again when that is done.',
      );
    }
  }

  /** Copies what was found and the target lacks; returns how many manifests that were, and the bytes that were moved. */
  async copy(blobs: BlobCopier): Promise<{ readonly count: number; readonly bytes: number }> {
    const { target, dryRun, subjects } = this.#request;
    let [count, bytes] = [0, 0];
    const touched: Attached[] = [];
    const [image] = subjects;
    // About the image itself, which is there: from an answer about what is not, one learns nothing.
    const isListed = this.#found?.some(({ referrers }) => referrers.length > 0) === true;
    if (!dryRun && isListed && image !== undefined && !listsReferrers(target)) await listReferrers(target, image);
    // The remotest first.
    for (const attached of [...(this.#found ?? [])].reverse()) {
      const missing = await this.#findMissing(attached);
      count += missing.referrers.length + missing.tags.length;
      if (dryRun) continue;
      for (const { digest } of missing.referrers) bytes += await this.#copyManifest(digest, blobs);
      for (const { digest, tag } of missing.tags) bytes += await this.#copyManifest(digest, blobs, tag);
      count -= [...missing.referrers, ...missing.tags].filter(({ digest }) => this.#gone.has(digest)).length;
      if (missing.referrers.length > 0 && !listsReferrers(target)) await this.#extendIndex(attached);
      if (missing.referrers.length + missing.tags.length > 0) touched.push(attached);
    }
    // At the very end: what others, or this run, wrote meanwhile may have taken the place of a list.
    for (const attached of touched) await this.#readBack(attached);
    if (count > 0 && !dryRun) await this.look();
    return { count, bytes };
  }

  async #findMissing(attached: Attached): Promise<Attached> {
    const there = await readAttached(this.#request.target, attached.subject, attached);
    const listed = new Set(there.referrers.map(({ digest }) => digest));
    const tags = attached.tags.filter(({ tag, digest }) => {
      const existing = there.tags.find((one) => one.tag === tag);
      if (existing !== undefined && existing.digest !== digest) this.#refuseOverwrite(tag, existing.digest, digest);
      return existing?.digest !== digest;
    });
    return { ...there, tags, referrers: attached.referrers.filter(({ digest }) => !listed.has(digest)) };
  }

  #refuseOverwrite(tag: string, existing: Digest, digest: Digest): void {
    const { source, target, overwrite } = this.#request;
    if (overwrite) return;
    throw new ConfigurationError(
      'tag-exists',
      `${target}:${tag} exists with the digest ${existing}, but ${source}:${tag} has ${digest}. ` +
        'Signatures were added after the image was released, or another key signed it there. ' +
        'Run by dispatch with `overwrite: true` and a reason to replace the one in the target.',
    );
  }

  async #copyManifest(digest: Digest, blobs: BlobCopier, tag?: string): Promise<number> {
    const { source, target } = this.#request;
    const manifest = await source.manifest(digest).catch((error: unknown) => {
      if (!(error instanceof RegistryError) || error.status !== 404) throw error;
      this.#gone.add(digest);
      this.#log.warning(
        `${source}@${digest} is listed as a referrer, but it is not there, or no manifest we know: left out.`,
      );
    });
    if (manifest === undefined) return 0;
    const plan = await planCopy(manifest, source, this.#log);
    const bytes = await copyContent(plan, source, target, blobs);
    await putManifest(plan, plan.manifest, target, tag);
    return bytes;
  }

  /**
   * Adds to the list of a registry that keeps none itself; where there is none yet, the source's own is taken as it is. The
   * target's is read once more just before, and this run changes it once at a time: registries have no "only if it is still
   * the same".
   */
  #extendIndex({ subject, index, referrers }: Attached): Promise<void> {
    const { target } = this.#request;
    const tag = fallbackTag(subject);
    return inTurn(target.registry, `${target.name}:${tag}`, async () => {
      const there = await listReferrers(target, subject);
      const listed = new Set(there.referrers.map(({ digest }) => digest));
      const added = referrers.filter(({ digest }) => !listed.has(digest) && !this.#gone.has(digest));
      if (added.length === 0) return;
      if (there.index === undefined && index !== undefined && added.length === referrers.length) {
        return target.putManifest(index, tag);
      }
      const content = there.index === undefined ? {} : (JSON.parse(there.index.bytes.toString('utf8')) as object);
      const before = 'manifests' in content && Array.isArray(content.manifests) ? content.manifests : [];
      const manifests = [...before, ...added.map(({ descriptor }: Referrer) => descriptor)];
      const bytes = Buffer.from(JSON.stringify({ ...content, schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
      return target.putManifest({ mediaType: OCI_INDEX, digest: digestOf(bytes), bytes }, tag);
    });
  }

  /** Asks the target what it has now: a signature that only seems to be there is worse than none. */
  async #readBack(attached: Attached): Promise<void> {
    const { target } = this.#request;
    const wanted = [...digestsOf([attached])].filter((digest) => !this.#gone.has(digest));
    let lost: readonly Digest[] = wanted;
    for (const pause of SETTLING) {
      await sleep(pause);
      const found = digestsOf([await readAttached(target, attached.subject, attached)]);
      lost = wanted.filter((digest) => !found.has(digest));
      if (lost.length === 0) return;
    }
    throw new ActionError(
      'referrers-missing',
      `${target}: ${lost.join(', ')} was copied and refers to ${attached.subject}, but the registry does not list it. ` +
        'Run again; if it stays so, the registry loses referrers.',
    );
  }
}

/** The last change of each list that is under way, by registry and name. */
const turns = new WeakMap<Registry, Map<string, Promise<void>>>();

/** Runs what changes one list after whatever was to change it before, even if that failed. */
function inTurn(registry: Registry, name: string, change: () => Promise<void>): Promise<void> {
  const queue = turns.get(registry) ?? new Map<string, Promise<void>>();
  turns.set(registry, queue);
  const turn = (queue.get(name) ?? Promise.resolve()).catch(() => undefined).then(change);
  queue.set(name, turn);
  return turn;
}

/** Follows what is attached to what, each manifest once. */
async function collect(source: Repository, subjects: readonly Digest[]): Promise<Attached[]> {
  const seen = new Set(subjects);
  const all: Attached[] = [];
  for (let level = [...seen]; level.length > 0; ) {
    const attached = await mapPooled(level, LOOKUPS, (subject) => readAttached(source, subject));
    all.push(...attached);
    level = [...digestsOf(attached)].filter((digest) => !seen.has(digest));
    for (const digest of level) seen.add(digest);
  }
  return all.filter(({ referrers, tags }) => referrers.length + tags.length > 0);
}

/** Reads what is attached to a manifest; with `wanted`, only what a comparison with it needs. */
async function readAttached(repository: Repository, subject: Digest, wanted?: Attached): Promise<Attached> {
  const names = wanted === undefined ? cosignTags(subject) : wanted.tags.map(({ tag }) => tag);
  const [list, ...heads] = await Promise.all([
    wanted?.referrers.length === 0 ? { referrers: [], index: undefined } : listReferrers(repository, subject),
    ...names.map(async (tag) => ({ tag, head: await repository.head(tag) })),
  ]);
  const tags = heads.flatMap(({ tag, head }) => (head === undefined ? [] : [{ tag, digest: head.digest }]));
  return { subject, ...list, tags };
}

/** https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#tag-based-discovery */
function cosignTags(subject: Digest): string[] {
  const { algorithm, hex } = splitDigest(subject);
  // The name of a longer digest does not fit into a tag.
  return algorithm === 'sha256' ? COSIGN_SUFFIXES.map((suffix) => `${algorithm}-${hex}.${suffix}`) : [];
}

function digestsOf(all: readonly Attached[]): Set<Digest> {
  return new Set(all.flatMap(({ referrers, tags }) => [...referrers, ...tags].map(({ digest }) => digest)));
}

function fingerprint(all: readonly Attached[]): string {
  return [...digestsOf(all)].sort().join(' ');
}
