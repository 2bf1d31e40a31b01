import { join } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import type { ReadyLayer } from './build-layers.ts';
import type { BuildSources } from './build-sources.ts';
import type { AssembledImage } from './image-assembly.ts';
import type { PublishedDistribution } from './published-distribution.ts';
import { type CheckOptions, runChecks } from './run-checks.ts';

/** Runs the Dockerfile's checks in an image that was put together and not published yet. */
export async function checkAssembled(
  sources: BuildSources,
  { images }: AssembledImage,
  ready: readonly ReadyLayer[],
  options: CheckOptions,
): Promise<void> {
  const index = findPlatformHere(sources);
  const platform = sources.base.image.platforms[index];
  const image = images[index];
  if (platform === undefined || image === undefined) return;
  const contents = new Map(ready.map(({ descriptor, content }) => [descriptor.digest, content]));
  const { repository } = sources.base.image;
  const checked = {
    layers: image.layers,
    diffIds: [...platform.config.diffIds, ...ready.map(({ diffId }) => diffId)],
    base: platform.config,
    open: (layer: (typeof image.layers)[number]) => contents.get(layer.digest) ?? repository.blob(layer),
  };
  await runChecks(sources.dockerfile, checked, inOwnDirectory(options));
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
