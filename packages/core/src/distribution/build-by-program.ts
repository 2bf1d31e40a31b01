import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FromImage } from '../dockerfile/dockerfile.ts';
import { ConfigurationError } from '../errors.ts';
import { digestOf } from '../image/digest.ts';
import type { Descriptor } from '../image/manifest.ts';
import { OCI_MANIFEST } from '../image/media-type.ts';
import { formatPackageVersion, type PackageTree } from '../storage/package-version.ts';
import { REVISION } from '../storage/published-image.ts';
import { type Content, readAll } from '../util/content.ts';
import type { Log } from '../util/log.ts';
import type { BranchStore } from './branch-store.ts';
import type { ReadyLayer } from './build-layers.ts';
import { type BuildContext, type BuildSources, FILE, labelUpstream, resolveImage } from './build-sources.ts';
import { checkOffline } from './builder-dockerfile.ts';
import { type BuilderName, checkBuilder, type NamedImage, runBuilder } from './builder-programs.ts';
import { type BuiltLayout, readBuiltLayout } from './built-layout.ts';
import { checkOut } from './check-out.ts';
import { readForeignPackages } from './foreign-packages.ts';
import type { GitTree } from './git-tree.ts';
import { type AssembledImage, asOciLayer, encodeManifest, labelsIn, OCI_CONFIG } from './image-assembly.ts';
import {
  BASE_DIGEST,
  BASE_NAME,
  type DistributionLabels,
  formatLabels,
  isOwnLabel,
  type LayerLabel,
} from './labels.ts';
import { type LayoutImage, writeOciLayout } from './oci-layout.ts';
import { listPackageUnits, listPackageVersions } from './package-files.ts';
import type { PackageUnit } from './package-plan.ts';
import type { PlatformImage, PublishedDistribution } from './published-distribution.ts';

export interface ProgramOptions {
  readonly builder: BuilderName;
  /** A directory for what the build needs. */
  readonly directory: string;
  /** What the image has to hold; see {@link listExpected}. */
  readonly expected: ReadonlyMap<string, ExpectedPackages>;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** An image's configuration is a few kilobytes. */
const CONFIG_LIMIT = 4 * 1024 * 1024;

/** Returns what upstreams hold whose layers we did not make: they are read, for nothing else tells. */
export async function listForeignUpstreams(
  { upstreams }: BuildSources,
  directory: string,
): Promise<ReadonlyMap<string, readonly PackageTree[]>> {
  const foreign = new Map<string, readonly PackageTree[]>();
  for (const { distribution, image, name } of upstreams) {
    if (image.labels !== undefined && image.labels.builder === undefined) continue;
    const packages = await readForeignPackages(image, distribution.name, join(directory, distribution.name));
    if (packages === undefined) {
      const message = `${name} (${image.digest}) has no directory /packages/${distribution.name}. Name an image of '${distribution.name}' in FROM.`;
      throw new ConfigurationError('no-packages', message);
    }
    foreign.set(distribution.name, listPackageVersions(packages.tree.directories).versions);
  }
  return foreign;
}

/** What the directory of a distribution has to hold: all that a branch does, or the versions where no branch tells. */
export type ExpectedPackages =
  | { readonly units: readonly PackageUnit[] }
  | { readonly versions: readonly PackageTree[] };

/** Lists what the image has to hold, by distribution. */
export async function listExpected(
  { branch, distribution }: BuildContext,
  { upstreams }: BuildSources,
  foreign: ReadonlyMap<string, readonly PackageTree[]>,
  store: BranchStore,
): Promise<ReadonlyMap<string, ExpectedPackages>> {
  const expected = new Map<string, ExpectedPackages>();
  expected.set(distribution.name, { units: listPackageUnits(branch.tree) });
  for (const upstream of upstreams) {
    const { name, revision, packages } = labelUpstream(upstream);
    const known = foreign.get(name) ?? packages;
    if (known !== undefined) expected.set(name, { versions: known });
    else if (revision !== undefined) expected.set(name, { units: listPackageUnits(await store.readTree(revision)) });
  }
  return expected;
}

/**
 * Throws a ConfigurationError when what was built holds other package versions than it should: what our labels say of an
 * image is what packages are removed from other branches for.
 */
async function checkContents(
  { layers }: BuiltLayout,
  expected: ReadonlyMap<string, ExpectedPackages>,
  directory: string,
): Promise<void> {
  const contents = new Map(layers.map(({ descriptor, content }) => [descriptor.digest, content]));
  const repository = { blob: ({ digest }: Descriptor) => need(contents, digest), toString: () => 'the built image' };
  const manifest = { layers: layers.map(({ descriptor }) => descriptor) };
  const image = { repository, digest: digestOf(Buffer.alloc(0)), platforms: [{ manifest }] as const };
  for (const [distribution, wanted] of expected) {
    const packages = await readForeignPackages(image, distribution, join(directory, distribution));
    const tree: GitTree = packages?.tree ?? { files: [], directories: new Map() };
    const [held, others] =
      'units' in wanted
        ? [byUnit(listPackageUnits(tree)), byUnit(wanted.units)]
        : [byVersion(listPackageVersions(tree.directories).versions), byVersion(wanted.versions)];
    const labels = [...new Set([...held.keys(), ...others.keys()])];
    const [first, ...more] = labels.filter((label) => held.get(label) !== others.get(label));
    if (first === undefined) continue;
    throw new ConfigurationError(
      'builder-packages',
      `The built image holds other packages of '${distribution}' than its branch: ${[first, ...more].slice(0, 5).join(', ')}` +
        `${more.length > 4 ? ` and ${more.length - 4} more` : ''}. Leave /packages as COPY has filled it.`,
    );
  }
}

/** Everything that stands beside package versions counts, too: a registry looks at zips before it looks at them. */
function byUnit(units: readonly PackageUnit[]): ReadonlyMap<string, string> {
  return new Map(
    units.map(({ path, id }) => {
      const [name = '', version, ...rest] = path.split('/');
      const isVersion = version !== undefined && rest.length === 0 && !id.includes(' ');
      return [isVersion ? formatPackageVersion({ name, version }) : path, id];
    }),
  );
}

function byVersion(versions: readonly PackageTree[]): ReadonlyMap<string, string> {
  return new Map(versions.map((version) => [formatPackageVersion(version), version.tree]));
}

function need(contents: ReadonlyMap<string, Content>, digest: string): Content {
  const content = contents.get(digest);
  if (content === undefined) throw new RangeError(`no image has the layer ${digest}`);
  return content;
}

/**
 * Builds the image with another program: from a checkout of the commit and from the images that FROM names, by the digests
 * they were resolved to, without network and without credentials. What comes of it gets our labels. It has the platform of
 * this machine alone, and where it was made shows in its bytes: equal commits do not give equal images.
 */
export async function buildByProgram(
  context: BuildContext,
  sources: BuildSources,
  labels: Omit<DistributionLabels, 'layers'>,
  { builder, directory, expected, env, log }: ProgramOptions,
): Promise<{ readonly assembled: AssembledImage; readonly ready: readonly ReadyLayer[] }> {
  await checkBuilder(builder, env);
  await mkdir(directory, { recursive: true });
  const named = await nameImages(context, sources);
  await writeImages(named, join(directory, 'images'));
  await checkOut(context.branch, join(directory, 'context'));
  const file = join(directory, 'context', FILE);
  if (builder === 'buildx') {
    const stages = [...sources.dockerfile.stages.keys()];
    checkOffline(await readFile(file, 'utf8'), FILE, { stages, images: named.map(({ reference }) => reference) });
  }
  await pinReferences(named, file);
  const places = { context: 'context', images: 'images', output: 'output' };
  await runBuilder(builder, { directory, ...places, named, env, log });
  const built = await readBuiltLayout(join(directory, 'output'));
  await checkContents(built, expected, join(directory, 'contents'));
  const base = choosePlatform(sources.base.image).config.diffIds;
  let isBase = true;
  const layers = built.layers.map(({ diffId }, index): LayerLabel => {
    isBase &&= base[index] === diffId;
    return isBase ? 'base' : 'files';
  });
  const settings = asObject(built.config['config']);
  const own = formatLabels({ ...labels, builder, layers });
  const others = Object.entries(labelsIn(settings)).filter(([name]) => !isOwnLabel(name));
  const config = { ...built.config, config: { ...settings, Labels: { ...Object.fromEntries(others), ...own } } };
  return {
    assembled: assemble(Buffer.from(JSON.stringify(config)), built.layers, labels),
    ready: built.layers.map((layer) => ({ ...layer, label: 'files', createdBy: builder, from: undefined })),
  };
}

function assemble(
  bytes: Buffer,
  layers: readonly { readonly descriptor: Descriptor }[],
  { revision, base }: Omit<DistributionLabels, 'layers'>,
): AssembledImage {
  const config = { mediaType: OCI_CONFIG, digest: digestOf(bytes), size: bytes.length };
  const descriptors = layers.map(({ descriptor: { mediaType, digest, size } }) => ({ mediaType, digest, size }));
  const annotations = { [REVISION]: revision, [BASE_NAME]: base.name, [BASE_DIGEST]: base.digest };
  const manifest = encodeManifest(OCI_MANIFEST, { config, layers: descriptors, annotations });
  return { top: manifest, images: [{ manifest, config: { descriptor: config, bytes }, layers: descriptors }] };
}

/** An image that FROM names, with what it was resolved to. */
interface ResolvedName extends NamedImage {
  readonly image: PublishedDistribution;
}

/** Names every image of the Dockerfile once; those that were resolved already are not asked for again. */
async function nameImages(
  context: BuildContext,
  { base, dockerfile, upstreams }: BuildSources,
): Promise<ResolvedName[]> {
  const known = new Map([base, ...upstreams].map(({ name, image }) => [name, image] as const));
  const froms: readonly FromImage[] = [dockerfile.base, ...dockerfile.stages.values()];
  const named = new Map<string, ResolvedName>();
  for (const from of froms) {
    const { reference } = from;
    if (named.has(reference)) continue;
    const image = known.get(reference) ?? (await resolveImage(from, FILE, context)).image;
    named.set(reference, { reference, name: `image-${named.size}`, image });
  }
  return [...named.values()];
}

async function writeImages(named: readonly ResolvedName[], directory: string): Promise<void> {
  const images: LayoutImage[] = [];
  for (const { name, image } of named) {
    const { manifest } = choosePlatform(image);
    const layers = manifest.layers.map((layer) => {
      const descriptor = asOciLayer(layer, image);
      return { descriptor, content: image.repository.blob(descriptor) };
    });
    const config = await readAll(image.repository.blob(manifest.config).open(), CONFIG_LIMIT);
    images.push({ name, config, layers });
  }
  await writeOciLayout(directory, images);
}

/** Programs run only on their own architecture. */
function choosePlatform({ platforms }: PublishedDistribution): PlatformImage {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  return platforms.find(({ config }) => config.platform.architecture === architecture) ?? platforms[0];
}

/** Writes other names for references with a digest, which no image of the layout can be called by. */
async function pinReferences(named: ResolvedName[], file: string): Promise<void> {
  let text = await readFile(file, 'utf8');
  for (const [index, image] of named.entries()) {
    const { reference, name } = image;
    if (!reference.includes('@')) continue;
    if (!text.includes(reference)) {
      const message = `${FILE}: write ${reference} as it is: a builder is given images by name, and this one has a digest in a variable.`;
      throw new ConfigurationError('dockerfile', message);
    }
    const local = `localhost/slipway/from:${name}`;
    text = text.replaceAll(reference, local);
    named[index] = { ...image, reference: local };
  }
  await writeFile(file, text);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
