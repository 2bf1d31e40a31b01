import { join } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import { fileContent } from '../util/content.ts';
import type { ReadyLayer } from './build-layers.ts';
import type { BuildSources } from './build-sources.ts';
import { type CheckScope, hasChecks } from './checked-layers.ts';
import { asOciLayer } from './image-assembly.ts';
import { type ImageConfig, labelsOf } from './image-config.ts';
import { formatLayerLabel, type LayerLabel, parseLabels } from './labels.ts';
import { blobFile, writeLayer } from './layer-blob.ts';
import type { PublishedDistribution } from './published-distribution.ts';
import { type CheckedBlob, type CheckOptions, isVerdict, runChecks } from './run-checks.ts';
import type { UnpackedPackages } from './unpacked-packages.ts';

/**
 * Runs the Dockerfile's checks in an image that was put together and not published yet: on the layers in the scope, and on
 * all of them when these alone do not pass, for a check may need what the others hold.
 */
export async function checkAssembled(
  sources: BuildSources,
  ready: readonly ReadyLayer[],
  scope: CheckScope,
  unpacked: UnpackedPackages,
  options: CheckOptions,
): Promise<void> {
  const index = findPlatformHere(sources);
  const platform = sources.base.image.platforms[index];
  if (platform === undefined) return;
  const base = sources.base.image;
  const check = async (layers: readonly CheckedLayer[]): Promise<void> => {
    const { repository } = base;
    const below = platform.manifest.layers.map((layer, position): CheckedLayer => {
      const descriptor = asOciLayer(layer, base);
      const diffId = platform.config.diffIds[position] ?? '';
      return { label: 'base', descriptor, diffId, content: repository.blob(descriptor) };
    });
    // Those of distributions too whose layers are not looked at.
    const directories = await makeDirectoryLayer(ready, options);
    await checkLayers(sources, [...below, directories, ...layers], platform.config, unpacked, options);
  };
  const { log } = options;
  if (scope.kind === 'all') return check(ready);
  if (scope.kind === 'none') {
    return log.info('every layer of packages passed the checks in an earlier image: nothing is checked again');
  }
  const isIn = ({ label }: ReadyLayer): boolean =>
    typeof label === 'string' || scope.labels.has(formatLayerLabel(label));
  const all = ready.filter(({ label }) => typeof label !== 'string').length;
  log.info(`${scope.labels.size} of ${all} layers of packages are checked: the others passed in an earlier image`);
  try {
    await check(ready.filter(isIn));
  } catch (error) {
    if (!(error instanceof ConfigurationError) || !isVerdict(error)) throw error;
    log.info(`the checks do not pass on what is new alone, and are run on everything: ${error.message}`);
    await check(ready);
  }
}

/** A layer of an image that is checked. */
interface CheckedLayer extends CheckedBlob {
  readonly label: LayerLabel;
}

/** Begins to unpack what a layer holds of packages. */
export function addPackages(
  unpacked: UnpackedPackages,
  { label, descriptor, content }: Pick<CheckedLayer, 'label' | 'descriptor' | 'content'>,
): void {
  if (typeof label !== 'string') unpacked.add({ distribution: label.distribution, descriptor, content });
}

/** Runs the checks on layers, the lowest first; `unpacked` has some of their packages at the most. */
async function checkLayers(
  { dockerfile }: BuildSources,
  layers: readonly CheckedLayer[],
  base: ImageConfig,
  unpacked: UnpackedPackages,
  options: CheckOptions,
): Promise<void> {
  for (const layer of layers) addPackages(unpacked, layer);
  const packages = await unpacked.unpack();
  const image = { base, layers: layers.filter(({ label }) => typeof label === 'string'), packages };
  await runChecks(dockerfile, image, { ...options, directory: join(options.directory, 'checks') });
}

/**
 * Makes the directories of all distributions, into which their packages are mounted: a registry may refuse to start where
 * one of them is missing.
 */
async function makeDirectoryLayer(
  layers: readonly { readonly label: LayerLabel }[],
  options: CheckOptions,
): Promise<CheckedLayer> {
  const paths = layers.flatMap(({ label }) => (typeof label === 'string' ? [] : [`packages/${label.distribution}`]));
  const directory = join(options.directory, 'directories');
  const entries = ['packages', ...new Set(paths)].sort().map((path) => ({ directory: path, attributes: undefined }));
  const layer = await writeLayer(entries, directory);
  return { label: 'files', ...layer, content: await fileContent(blobFile(directory, layer.descriptor.digest)) };
}

/** Runs the Dockerfile's checks in an image that exists. */
export async function checkExisting(
  sources: BuildSources,
  { platforms, repository }: PublishedDistribution,
  unpacked: UnpackedPackages,
  options: CheckOptions,
): Promise<void> {
  if (!hasChecks(sources.dockerfile)) return;
  const index = findPlatformHere(sources);
  const base = sources.base.image.platforms[index];
  const image = platforms[index];
  if (base === undefined || image === undefined) return;
  // The base may have another number of layers on each platform.
  const labels = parseLabels(labelsOf(image.config))?.layers ?? [];
  const layers = image.manifest.layers.map((descriptor, position): CheckedLayer => {
    const diffId = image.config.diffIds[position] ?? '';
    return { label: labels[position] ?? 'files', descriptor, diffId, content: repository.blob(descriptor) };
  });
  const below = layers.filter(({ label }) => label === 'base').length;
  const directories = await makeDirectoryLayer(layers, options);
  await checkLayers(sources, layers.toSpliced(below, 0, directories), base.config, unpacked, options);
}

/** Programs run only on their own architecture. */
function findPlatformHere({ base, dockerfile }: BuildSources): number {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const { platforms } = base.image;
  const index = platforms.findIndex(({ config }) => config.platform.architecture === architecture);
  if (index !== -1 || !hasChecks(dockerfile)) return Math.max(index, 0);
  throw new ConfigurationError(
    'platform-missing',
    `The base image has ${platforms.map(({ config }) => formatPlatform(config.platform)).join(', ')}, and this runner is ` +
      `linux/${architecture}: the checks cannot run. Use a runner of another kind, or give the input checks: off.`,
  );
}
