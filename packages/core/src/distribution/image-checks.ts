import { join } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import type { Descriptor } from '../image/manifest.ts';
import { formatPlatform } from '../image/platform.ts';
import { fileContent } from '../util/content.ts';
import type { ReadyLayer } from './build-layers.ts';
import type { BuildSources } from './build-sources.ts';
import type { CheckScope } from './checked-layers.ts';
import { asOciLayer } from './image-assembly.ts';
import { formatLayerLabel } from './labels.ts';
import { blobFile, writeLayer } from './layer-blob.ts';
import type { PublishedDistribution } from './published-distribution.ts';
import { type CheckOptions, isVerdict, runChecks } from './run-checks.ts';

/**
 * Runs the Dockerfile's checks in an image that was put together and not published yet: on the layers in the scope, and on
 * all of them when these alone do not pass, for a check may need what the others hold.
 */
export async function checkAssembled(
  sources: BuildSources,
  ready: readonly ReadyLayer[],
  scope: CheckScope,
  options: CheckOptions,
): Promise<void> {
  const index = findPlatformHere(sources);
  const platform = sources.base.image.platforms[index];
  if (platform === undefined) return;
  const base = sources.base.image;
  const { dockerfile } = sources;
  const check = async (layers: readonly CheckedLayer[]): Promise<void> => {
    const contents = new Map(layers.map(({ descriptor, content }) => [descriptor.digest, content]));
    const checked = {
      layers: [
        ...platform.manifest.layers.map((layer) => asOciLayer(layer, base)),
        ...layers.map(({ descriptor }) => descriptor),
      ],
      diffIds: [...platform.config.diffIds, ...layers.map(({ diffId }) => diffId)],
      base: platform.config,
      open: (layer: Descriptor) => contents.get(layer.digest) ?? base.repository.blob(layer),
    };
    await runChecks(dockerfile, checked, inOwnDirectory(options));
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
    await check([await makeDirectoryLayer(ready, options), ...ready.filter(isIn)]);
  } catch (error) {
    if (!(error instanceof ConfigurationError) || !isVerdict(error)) throw error;
    log.info(`the checks do not pass on what is new alone, and are run on everything: ${error.message}`);
    await check(ready);
  }
}

/** A layer of an image that is checked. */
type CheckedLayer = Pick<ReadyLayer, 'descriptor' | 'diffId' | 'content'>;

/** Makes the directories of all distributions: a registry may refuse to start where one of them is missing. */
async function makeDirectoryLayer(layers: readonly ReadyLayer[], options: CheckOptions): Promise<CheckedLayer> {
  const paths = layers.flatMap(({ label }) => (typeof label === 'string' ? [] : [`packages/${label.distribution}`]));
  const directory = join(options.directory, 'directories');
  const entries = ['packages', ...new Set(paths)].sort().map((path) => ({ directory: path, attributes: undefined }));
  const layer = await writeLayer(entries, directory);
  return { ...layer, content: await fileContent(blobFile(directory, layer.descriptor.digest)) };
}

/** Runs the Dockerfile's checks in an image that exists. */
export async function checkExisting(
  sources: BuildSources,
  { platforms, repository }: PublishedDistribution,
  options: CheckOptions,
): Promise<void> {
  const index = findPlatformHere(sources);
  const base = sources.base.image.platforms[index];
  const image = platforms[index];
  if (base === undefined || image === undefined) return;
  const checked = {
    layers: image.manifest.layers,
    diffIds: image.config.diffIds,
    base: base.config,
    open: (layer: (typeof image.manifest.layers)[number]) => repository.blob(layer),
  };
  await runChecks(sources.dockerfile, checked, inOwnDirectory(options));
}

function inOwnDirectory(options: CheckOptions): CheckOptions {
  return { ...options, directory: join(options.directory, 'checks') };
}

/** Programs run only on their own architecture. */
function findPlatformHere({ base, dockerfile }: BuildSources): number {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const { platforms } = base.image;
  const index = platforms.findIndex(({ config }) => config.platform.architecture === architecture);
  if (index !== -1 || !dockerfile.steps.some(({ kind }) => kind === 'run')) return Math.max(index, 0);
  throw new ConfigurationError(
    'platform-missing',
    `The base image has ${platforms.map(({ config }) => formatPlatform(config.platform)).join(', ')}, and this runner is ` +
      `linux/${architecture}: the checks cannot run. Use a runner of another kind, or give the input checks: off.`,
  );
}
