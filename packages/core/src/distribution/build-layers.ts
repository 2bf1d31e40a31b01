import { join } from 'node:path';
import type { TarEntry } from '../archive/tar.ts';
import { BASE_LAYERS, MOST_LAYERS } from '../configuration/storage.ts';
import type { Dockerfile } from '../dockerfile/dockerfile.ts';
import { ConfigurationError } from '../errors.ts';
import type { Repository } from '../registry/repository.ts';
import type { PackageTree } from '../storage/package-version.ts';
import { type Content, fileContent, sha256 } from '../util/content.ts';
import { mapPooled } from '../util/pool.ts';
import type { BaseFiles } from './base-files.ts';
import { checkWay } from './base-places.ts';
import type { BuildContext, BuildSources, ResolvedUpstream } from './build-sources.ts';
import { CopiedLayers } from './copied-layers.ts';
import type { FileSource } from './file-source.ts';
import { readForeignPackages } from './foreign-packages.ts';
import type { GitTree } from './git-tree.ts';
import type { AddedLayer } from './image-assembly.ts';
import { formatLayerLabel } from './labels.ts';
import { blobFile, type Layer, writeLayer } from './layer-blob.ts';
import { packageEntries } from './layer-entries.ts';
import { type PlannedLayer, planLayers } from './layer-plan.ts';
import { listPackageVersions, readPackageDirectory, type VersionList } from './package-files.ts';
import { type PackageLayer, type PublishedDistribution, packageLayersOf } from './published-distribution.ts';

/** A layer of the image to be: one that exists somewhere, or one to make. */
export type BuildLayer = Pick<AddedLayer, 'label' | 'createdBy'> &
  (
    | { readonly kind: 'reused'; readonly layer: Layer; readonly from: Repository }
    | { readonly kind: 'new'; readonly entries: () => readonly TarEntry[] }
  );

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
}

/** Layers of packages that exist in the registry, by distribution and key. */
export class ReusableLayers {
  readonly #layers = new Map<string, { readonly layer: PackageLayer; readonly from: Repository }>();

  constructor(images: readonly (PublishedDistribution | undefined)[]) {
    for (const image of images) {
      if (image === undefined) continue;
      for (const layer of packageLayersOf(image)) {
        this.#layers.set(formatLayerLabel(layer), { layer, from: image.repository });
      }
    }
  }

  /** Returns a planned layer as it exists, or as it is to be made: registries lose blobs. */
  async take(planned: PlannedLayer, entries: () => readonly TarEntry[]): Promise<BuildLayer> {
    const { distribution, index, key } = planned;
    const label = { distribution, key };
    const createdBy = describeLayer(distribution, index);
    const known = this.#layers.get(formatLayerLabel(label));
    return known === undefined || !(await known.from.hasBlob(known.layer.descriptor.digest))
      ? { kind: 'new', label, createdBy, entries }
      : { kind: 'reused', label, createdBy, layer: known.layer, from: known.from };
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
}

/**
 * Plans the layers of an image, without making one. An upstream that we built gives its layers as they are; a foreign one
 * is read and packed like a branch, unless `previous`, an earlier image of this distribution, has it packed already.
 */
export async function planBuild(
  { branch, distribution }: BuildContext,
  { dockerfile, upstreams }: BuildSources,
  { previous, directory, base }: PlanOptions,
): Promise<LayerPlan> {
  const copies = new CopiedLayers(dockerfile, branch, base);
  const reusable = new ReusableLayers(previous);
  const layers: BuildLayer[] = [];
  const foreign = new Map<string, readonly PackageTree[]>();
  for (const step of dockerfile.steps) {
    if (step.kind === 'packages' || step.kind === 'upstream') {
      checkWay(`packages/${step.distribution}/`, base, `${dockerfile.file}:${step.line}`);
    }
    if (step.kind === 'packages') {
      const planned = planLayers(distribution.name, readPackageDirectory(branch.tree), distribution.layers);
      checkComplete(distribution.name, planned, branch.tree);
      layers.push(...(await takeLayers(planned, reusable, branch.blobs)));
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
      layers.push({ kind: 'new', label: 'files', createdBy: step.text, entries: copies.copy(step) });
    } else if (step.kind === 'workdir') {
      const entries = copies.makeDirectory(step);
      if (entries !== undefined) layers.push({ kind: 'new', label: 'files', createdBy: step.text, entries });
    }
  }
  checkParts(dockerfile, layers);
  return { layers, foreign };
}

/** Throws when layers would not hold every package version that is counted as served. */
function checkComplete(distribution: string, planned: readonly PlannedLayer[], tree: GitTree): void {
  const counted = listPackageVersions(tree.directories);
  const files = planned.flatMap(({ names }) => names.flatMap((name) => name.files));
  const packed = new Set(files.map(({ path }) => path.split('/')).flatMap(versionDirectoryOf));
  if (packed.size === counted.versions.length + counted.skipped.length) return;
  throw new RangeError(
    `the layers of '${distribution}' hold ${packed.size} versions, ${counted.versions.length} count`,
  );
}

function versionDirectoryOf([name, version, ...file]: readonly string[]): string[] {
  return file.length === 0 ? [] : [`${name}/${version}`];
}

/** Throws when a distribution that the Dockerfile copies has no layer: nothing of it would be in the image. */
function checkParts({ steps }: Dockerfile, layers: readonly BuildLayer[]): void {
  for (const step of steps) {
    if (step.kind !== 'packages' && step.kind !== 'upstream') continue;
    const has = layers.some(({ label }) => typeof label !== 'string' && label.distribution === step.distribution);
    if (!has) throw new RangeError(`'${step.distribution}' has no layer in the plan of the image`);
  }
}

/** Returns the layers of an upstream that we built; undefined when we did not. */
async function reuseUpstream({ image, distribution, name }: ResolvedUpstream): Promise<BuildLayer[] | undefined> {
  if (image.labels === undefined) return undefined;
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
  files: FileSource,
): Promise<BuildLayer[]> {
  return mapPooled(planned, LOOKUPS_AT_ONCE, (layer) => reusable.take(layer, () => packageEntries(layer, files)));
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
  const planned = planLayers(distribution.name, readPackageDirectory(packages.tree), distribution.layers);
  checkComplete(distribution.name, planned, packages.tree);
  const layers = await takeLayers(planned, reusable, packages.files);
  return { ...listPackageVersions(packages.tree.directories), layers };
}

/** Layers that are made at once: deflating is what takes the time, and two of them keep two cores busy. */
const LAYERS_AT_ONCE = 2;

/** A layer that exists now, and where its bytes are. */
export interface ReadyLayer extends AddedLayer {
  /** The repository that has it; undefined for one that was just made. */
  readonly from: Repository | undefined;
  readonly content: Content;
}

/** Makes the layers that are not there yet, as files in `directory`. */
export function makeLayers(layers: readonly BuildLayer[], directory: string): Promise<ReadyLayer[]> {
  return mapPooled(layers, LAYERS_AT_ONCE, async (planned): Promise<ReadyLayer> => {
    const { label, createdBy } = planned;
    if (planned.kind === 'reused') {
      const { descriptor, diffId } = planned.layer;
      return { label, createdBy, descriptor, diffId, from: planned.from, content: planned.from.blob(descriptor) };
    }
    const layer = await writeLayer(planned.entries(), directory);
    const content = await fileContent(blobFile(directory, layer.descriptor.digest));
    return { label, createdBy, ...layer, from: undefined, content };
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
