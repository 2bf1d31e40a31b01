import { join } from 'node:path';
import type { TarEntry } from '../archive/tar.ts';
import { BASE_LAYERS, type Compression, MOST_LAYERS } from '../configuration/storage.ts';
import type { Dockerfile } from '../dockerfile/dockerfile.ts';
import { ConfigurationError } from '../errors.ts';
import type { Repository } from '../registry/repository.ts';
import type { PackageTree } from '../storage/package-version.ts';
import { type Content, fileContent, sha256 } from '../util/content.ts';
import { mapPooled } from '../util/pool.ts';
import type { BaseFiles } from './base-files.ts';
import { checkNoPackages, checkWay } from './base-places.ts';
import type { BuildContext, BuildSources, ResolvedUpstream } from './build-sources.ts';
import { CopiedLayers } from './copied-layers.ts';
import { readForeignPackages } from './foreign-packages.ts';
import type { AddedLayer } from './image-assembly.ts';
import { formatLayerLabel } from './labels.ts';
import { blobFile, isCompressedBy, type Layer, writeLayer } from './layer-blob.ts';
import { packageEntries } from './layer-entries.ts';
import { type PlannedLayer, planLayers } from './layer-plan.ts';
import { listPackageUnits, listPackageVersions, type PackageSource, type VersionList } from './package-files.ts';
import { type PackagePlan, type PackageUnit, planPackages } from './package-plan.ts';
import { explainPlan } from './plan-changes.ts';
import { type PackageLayer, type PublishedDistribution, packageLayersOf } from './published-distribution.ts';

/** A layer of the image to be: one that exists somewhere, or one to make. */
export type BuildLayer = Pick<AddedLayer, 'label' | 'createdBy'> &
  (
    | { readonly kind: 'reused'; readonly layer: Layer; readonly from: Repository }
    | { readonly kind: 'new'; readonly entries: () => AsyncIterable<TarEntry> }
  ) & {
    /** Which layer of its distribution's it is, such as `base 3`; undefined for one that holds no packages. */
    readonly part?: string;
    /** Why it has to be made. */
    readonly why?: string | undefined;
  };

/** The packages of an upstream, and where its layers come from. */
interface UpstreamPackages extends VersionList {
  readonly layers: readonly BuildLayer[];
}

/** Every layer above the base image's, and what is in them. */
export interface LayerPlan {
  /** The lowest first, in the order of the Dockerfile. */
  readonly layers: readonly BuildLayer[];
  /** What foreign upstreams hold; no branch tells. */
  readonly foreign: ReadonlyMap<string, readonly PackageTree[]>;
  /** How the packages of the branch are spread over layers; undefined for a Dockerfile that copies none. */
  readonly packages: PackagePlan | undefined;
  /** What stands in those of these layers that have to be made, layer by layer. */
  readonly made: readonly (readonly PackageUnit[])[];
}

/** Layers of packages that exist in the registry, by distribution and key. */
class ReusableLayers {
  readonly #layers = new Map<string, { readonly layer: PackageLayer; readonly from: Repository }>();

  readonly #compression: Compression;

  constructor(images: readonly (PublishedDistribution | undefined)[], compression: Compression) {
    this.#compression = compression;
    for (const image of images) {
      if (image === undefined) continue;
      for (const layer of packageLayersOf(image)) {
        this.#layers.set(formatLayerLabel(layer), { layer, from: image.repository });
      }
    }
  }

  /** Returns a planned layer as it exists, or as it is to be made: registries lose blobs. */
  async take(
    { distribution, index, key, part }: PlannedLayer,
    entries: () => AsyncIterable<TarEntry>,
    why: string | undefined,
  ): Promise<BuildLayer> {
    const label = { distribution, key };
    const described = { label, createdBy: describeLayer(distribution, index), part: `${part.kind} ${part.index}` };
    const known = this.#layers.get(formatLayerLabel(label));
    if (known === undefined) return { kind: 'new', ...described, entries, why };
    if (!isCompressedBy(this.#compression, known.layer.descriptor)) {
      return { kind: 'new', ...described, entries, why: `to be compressed with ${this.#compression}` };
    }
    if (await known.from.hasBlob(known.layer.descriptor.digest)) {
      return { kind: 'reused', ...described, layer: known.layer, from: known.from };
    }
    return { kind: 'new', ...described, entries, why: 'lost by the registry' };
  }
}

function describeLayer(distribution: string, index: number): string {
  return `COPY packages /packages/${distribution} # part ${index + 1}`;
}

/** What a plan needs besides the branch and the Dockerfile. */
export interface PlanOptions {
  /** Images of ours whose layers may be used again. */
  readonly previous: readonly (PublishedDistribution | undefined)[];
  /** For what foreign upstreams hold. */
  readonly directory: string;
  readonly base: BaseFiles;
  /** How the packages of the branch were spread before; undefined begins anew. */
  readonly plan: PackagePlan | undefined;
}

/**
 * Plans the layers of an image, without making one. An upstream that we built gives its layers as they are; a foreign one
 * is read and packed like a branch, unless `previous`, an earlier image of this distribution, has it packed already.
 */
export async function planBuild(
  { branch, distribution }: BuildContext,
  { dockerfile, upstreams }: BuildSources,
  { previous, directory, base, plan: before }: PlanOptions,
): Promise<LayerPlan> {
  const copies = new CopiedLayers(dockerfile, branch, base);
  const reusable = new ReusableLayers(previous, distribution.compression);
  const layers: BuildLayer[] = [];
  const foreign = new Map<string, readonly PackageTree[]>();
  let packages: PackagePlan | undefined;
  const made: (readonly PackageUnit[])[] = [];
  for (const step of dockerfile.steps) {
    if (step.kind === 'packages' || step.kind === 'upstream') {
      checkWay(`packages/${step.distribution}/`, base, `${dockerfile.file}:${step.line}`);
      checkNoPackages(step.distribution, base, `${dockerfile.file}:${step.line}`);
    }
    if (step.kind === 'packages') {
      const wanted = listPackageUnits(branch.tree);
      packages = planPackages(before, wanted, distribution.layers);
      const planned = planLayers(distribution.name, packages);
      checkComplete(distribution.name, planned, wanted);
      const taken = await takeLayers(planned, reusable, branch, explainPlan(before, packages));
      made.push(...taken.flatMap(({ kind }, index) => (kind === 'new' ? [planned[index]?.units ?? []] : [])));
      layers.push(...taken);
    } else if (step.kind === 'upstream') {
      const upstream = upstreams.find((other) => other.distribution.name === step.distribution);
      if (upstream === undefined) throw new RangeError(`${step.distribution} was not resolved`);
      const built = await reuseUpstream(upstream);
      if (built !== undefined) {
        layers.push(...built);
        continue;
      }
      const packages = (await reuseForeign(upstream, previous)) ?? (await packForeign(upstream, reusable, directory));
      foreign.set(step.distribution, packages.versions);
      layers.push(...packages.layers);
    } else if (step.kind === 'copy') {
      layers.push({ kind: 'new', label: 'files', createdBy: step.text, entries: await copies.copy(step) });
    } else if (step.kind === 'workdir') {
      const entries = copies.makeDirectory(step);
      if (entries !== undefined) layers.push({ kind: 'new', label: 'files', createdBy: step.text, entries });
    }
  }
  checkParts(dockerfile, layers);
  return { layers, foreign, packages, made };
}

/** Throws when layers would not hold every package version once, with the content that is wanted. */
function checkComplete(distribution: string, planned: readonly PlannedLayer[], wanted: readonly PackageUnit[]): void {
  const packed = new Map(planned.flatMap(({ units }) => units.map(({ path, id }) => [path, id] as const)));
  const count = planned.reduce((sum, { units }) => sum + units.length, 0);
  if (count === wanted.length && wanted.every(({ path, id }) => packed.get(path) === id)) return;
  throw new RangeError(`the layers of '${distribution}' hold ${count} versions, ${wanted.length} count`);
}

/** Throws when a distribution that the Dockerfile copies has no layer: nothing of it would be in the image. */
function checkParts({ steps }: Dockerfile, layers: readonly BuildLayer[]): void {
  for (const step of steps) {
    if (step.kind !== 'packages' && step.kind !== 'upstream') continue;
    const has = layers.some(({ label }) => typeof label !== 'string' && label.distribution === step.distribution);
    if (!has) throw new RangeError(`'${step.distribution}' has no layer in the plan of the image`);
  }
}

/** Returns the layers of an upstream that we built; undefined when we did not make them. */
async function reuseUpstream({ image, distribution, name }: ResolvedUpstream): Promise<BuildLayer[] | undefined> {
  if (image.labels === undefined || image.labels.builder !== undefined) return undefined;
  const layers = layersOf(image, distribution.name);
  const lost = await findLostLayer(layers);
  if (lost !== undefined) {
    throw new ConfigurationError(
      'layer-missing',
      `${name} (${image.digest}): the registry has lost the layer ${lost}. Build '${image.labels.distribution}' again, which makes it anew.`,
    );
  }
  if (layers.length > 0) return layers;
  throw new ConfigurationError(
    'no-packages',
    `${name} (${image.digest}) holds no packages of '${distribution.name}'. Name the image of '${distribution.name}' in FROM.`,
  );
}

type ReusedLayer = Extract<BuildLayer, { kind: 'reused' }>;

function layersOf(image: PublishedDistribution, distribution: string): ReusedLayer[] {
  return packageLayersOf(image)
    .filter((layer) => layer.distribution === distribution)
    .map((layer, index) => ({
      kind: 'reused',
      label: { distribution, key: layer.key },
      createdBy: describeLayer(distribution, index),
      layer,
      from: image.repository,
    }));
}

/** Returns the digest of a layer that its registry does not have, for such a one cannot be used again. */
async function findLostLayer(layers: readonly ReusedLayer[]): Promise<string | undefined> {
  const known = await mapPooled(layers, LOOKUPS_AT_ONCE, ({ layer, from }) => from.hasBlob(layer.descriptor.digest));
  return layers.find((_, index) => known[index] !== true)?.layer.descriptor.digest;
}

/** Questions on the way at once. */
const LOOKUPS_AT_ONCE = 6;

function takeLayers(
  planned: readonly PlannedLayer[],
  reusable: ReusableLayers,
  source: PackageSource,
  reasons: readonly (string | undefined)[],
): Promise<BuildLayer[]> {
  return mapPooled(planned, LOOKUPS_AT_ONCE, (layer, index) =>
    reusable.take(layer, () => packageEntries(layer, source), reasons[index]),
  );
}

/** Says whether the registry has every layer of an image. */
export async function hasAllLayers({ platforms, repository }: PublishedDistribution): Promise<boolean> {
  const digests = new Set(platforms.flatMap(({ manifest }) => manifest.layers.map(({ digest }) => digest)));
  const known = await mapPooled([...digests], LOOKUPS_AT_ONCE, (digest) => repository.hasBlob(digest));
  return known.every(Boolean);
}

/** Returns a foreign upstream as an earlier image of ours contains it. */
async function reuseForeign(
  { image, distribution }: ResolvedUpstream,
  previous: readonly (PublishedDistribution | undefined)[],
): Promise<UpstreamPackages | undefined> {
  for (const earlier of previous) {
    const known = earlier?.labels?.upstreams.find(({ name }) => name === distribution.name);
    if (earlier === undefined || known?.packages === undefined || known.digest !== image.digest) continue;
    const layers = layersOf(earlier, distribution.name);
    const isThere = layers.length > 0 && (await findLostLayer(layers)) === undefined;
    if (isThere) return { layers, versions: known.packages, skipped: [] };
  }
  return undefined;
}

async function packForeign(
  { image, distribution, name }: ResolvedUpstream,
  reusable: ReusableLayers,
  directory: string,
): Promise<UpstreamPackages> {
  const packages = await readForeignPackages(image, distribution.name, join(directory, sha256(image.digest)));
  if (packages === undefined) {
    throw new ConfigurationError(
      'no-packages',
      `${name} (${image.digest}) has no directory /packages/${distribution.name}. Name an image of '${distribution.name}' in FROM.`,
    );
  }
  const wanted = listPackageUnits(packages.tree);
  const planned = planLayers(distribution.name, planPackages(undefined, wanted, distribution.layers));
  checkComplete(distribution.name, planned, wanted);
  const layers = await takeLayers(planned, reusable, packages, []);
  return { ...listPackageVersions(packages.tree.directories), layers };
}

/** Layers that are made at once: deflating is what takes the time, and two of them keep two cores busy. */
const LAYERS_AT_ONCE = 2;

/** A layer that exists now, and where its bytes are. */
export interface ReadyLayer extends AddedLayer, Pick<BuildLayer, 'part' | 'why'> {
  /** The repository that has it; undefined for one that was just made. */
  readonly from: Repository | undefined;
  readonly content: Content;
}

/** Makes the layers that are not there yet, as files in `directory`; `made` is told of each one. */
export function makeLayers(
  layers: readonly BuildLayer[],
  directory: string,
  compression: Compression,
  made: (layer: ReadyLayer) => void,
): Promise<ReadyLayer[]> {
  return mapPooled(layers, LAYERS_AT_ONCE, async (planned): Promise<ReadyLayer> => {
    const { label, createdBy, part, why } = planned;
    const described = { label, createdBy, ...(part !== undefined && { part, why }) };
    if (planned.kind === 'reused') {
      const { descriptor, diffId, plain, compressor } = planned.layer;
      const layer = { descriptor, diffId, plain, compressor };
      return { ...described, ...layer, from: planned.from, content: planned.from.blob(descriptor) };
    }
    const layer = await writeLayer(planned.entries(), directory, compression);
    const content = await fileContent(blobFile(directory, layer.descriptor.digest));
    const ready = { ...described, ...layer, from: undefined, content };
    made(ready);
    return ready;
  });
}

/** Throws a ConfigurationError with the counts for an image that would have more layers than engines mount. */
export function checkLayerCount({ base }: BuildSources, layers: readonly BuildLayer[]): void {
  const ofBase = base.image.platforms[0].manifest.layers.length;
  const counts = new Map<string, number>([['base', ofBase]]);
  for (const { label } of layers) {
    const part = typeof label === 'string' ? 'files of the branch' : `packages of ${label.distribution}`;
    counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  const own = ofBase + (counts.get('files of the branch') ?? 0);
  const all = ofBase + layers.length;
  if (own <= BASE_LAYERS && all <= MOST_LAYERS) return;
  const parts = [...counts].map(([part, count]) => `${part} ${count}`).join(', ');
  throw new ConfigurationError(
    'too-many-layers',
    `The image would have ${all} layers (${parts}). The base and its own files may have ${BASE_LAYERS}, ` +
      `all together ${MOST_LAYERS}: more are not mounted everywhere. Lower \`layers\`, or squash the base image.`,
  );
}
