import { ConfigurationError } from '../errors.ts';

/** One distribution: a branch of the storage repository, and the image that serves it. */
export interface Distribution {
  /** The name of the branch. */
  readonly name: string;
  /** Nothing of it may change any more. */
  readonly frozen: boolean;
  /** Distributions whose packages its image contains too, the first one found wins. */
  readonly upstream: readonly string[];
  /** How a package version enters from outside; a promotion is always a pull request. */
  readonly add: 'commit' | 'pull-request';
  /** Whether a package version may be replaced by another content. */
  readonly overwrite: 'never' | 'on-request' | 'always';
  /** Whether a package version may be removed; `promoted`: once a distribution further along holds it. */
  readonly removal: 'never' | 'promoted';
  /** Which versions of the package registry it may run: releases only, or any fixed one. */
  readonly registry: 'stable' | 'fixed';
  readonly stack: 'released' | 'snapshot';
  /** The moving tag of its image. */
  readonly tag: string;
  /** Where its package registry answers, when that is known. */
  readonly url: string | undefined;
  /** Milliseconds that what stands before the registry may show old answers. */
  readonly cache: number;
  /** Layers its packages are spread over. */
  readonly layers: number;
  /** How they are compressed. */
  readonly compression: Compression;
}

/** What compresses layers: every engine takes gzip, zstd those of 2022 and later. */
export type Compression = 'gzip' | 'zstd';

export interface StorageSettings {
  /** `owner/name` of the storage repository; undefined is the repository the job runs for. */
  readonly repository: string | undefined;
  /** Repository of the distributions' images. */
  readonly image: string | undefined;
  /** In the order of the configuration. */
  readonly distributions: readonly Distribution[];
  readonly rollout: {
    readonly namespace: string | undefined;
    /** Template of a deployment's name; holds `{distribution}`. */
    readonly deployment: string | undefined;
  };
}

/** A distribution in the file. */
export type DistributionFile = Partial<Omit<Distribution, 'name' | 'cache'>> & { readonly cache?: string };

export interface StorageFile {
  readonly repository?: string;
  readonly image?: string;
  readonly distributions?: Readonly<Record<string, DistributionFile>>;
  readonly rollout?: { readonly namespace?: string; readonly deployment?: string };
}

/** The distributions of the package storage that this side is made for; a file that names any names them all. */
const DEFAULT_DISTRIBUTIONS: Readonly<Record<string, DistributionFile>> = {
  production: {
    add: 'pull-request',
    overwrite: 'never',
    removal: 'never',
    registry: 'stable',
    stack: 'released',
    cache: '10m',
    layers: 24,
  },
  staging: {
    upstream: ['production'],
    add: 'commit',
    overwrite: 'on-request',
    registry: 'stable',
    stack: 'snapshot',
    layers: 4,
  },
  snapshot: {
    upstream: ['production', 'staging'],
    add: 'commit',
    overwrite: 'always',
    registry: 'fixed',
    stack: 'snapshot',
    layers: 8,
  },
  experimental: { frozen: true },
};

/** The base and its own files take at most this many layers. */
export const BASE_LAYERS = 20;

/** Older engines mount no more; see https://github.com/containerd/containerd/issues/2497. */
export const MOST_LAYERS = 56;

/**
 * Returns the storage settings with the defaults filled in. Throws a ConfigurationError for an upstream that does not
 * exist, a circle, images with too many layers, and tags that are not one distribution's alone.
 */
export function resolveStorage(file: StorageFile, origin: string): StorageSettings {
  const given = file.distributions ?? DEFAULT_DISTRIBUTIONS;
  const distributions = Object.entries(given).map(([name, settings]) => resolveDistribution(name, settings));
  const storage = {
    repository: file.repository,
    image: file.image,
    distributions,
    rollout: { namespace: file.rollout?.namespace, deployment: file.rollout?.deployment },
  };
  for (const distribution of distributions) checkDistribution(storage, distribution, origin);
  checkTags(distributions, origin);
  return storage;
}

/** Tags of single builds, which are written once: `<commit>` and `<commit>-<12 digits>`. */
const BUILD_TAG = /^[0-9a-f]{40}(?:-[0-9a-f]{12})?$/;

/** A tag is how an image is known as the one of its distribution: it must be no other's, and no build's. */
function checkTags(distributions: readonly Distribution[], origin: string): void {
  for (const [index, { name, tag }] of distributions.entries()) {
    const where = `${origin}: storage.distributions.${name}`;
    const other = distributions.slice(0, index).find((earlier) => earlier.tag === tag);
    if (other !== undefined) {
      throw new ConfigurationError(
        'duplicate-tag',
        `${where}: its tag '${tag}' is the one of '${other.name}' as well, so that each would take the other's image for ` +
          'its own. Give one of them another `tag`.',
      );
    }
    if (BUILD_TAG.test(tag)) {
      throw new ConfigurationError(
        'invalid-tag',
        `${where}: its tag '${tag}' looks like the tag of one build, which begins with a commit. Set another \`tag\`.`,
      );
    }
  }
}

function resolveDistribution(name: string, file: DistributionFile): Distribution {
  const upstream = file.upstream ?? [];
  return {
    name,
    frozen: file.frozen ?? false,
    upstream,
    add: file.add ?? 'pull-request',
    overwrite: file.overwrite ?? 'never',
    // Without upstream there is no distribution further along that could hold what is removed.
    removal: file.removal ?? (upstream.length === 0 ? 'never' : 'promoted'),
    registry: file.registry ?? 'stable',
    stack: file.stack ?? 'snapshot',
    tag: file.tag ?? name,
    url: file.url?.replace(/\/+$/, ''),
    cache: parseDuration(file.cache ?? '10s'),
    layers: file.layers ?? 8,
    compression: file.compression ?? 'gzip',
  };
}

function parseDuration(text: string): number {
  const [, number = '0', unit = 's'] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  return Number(number) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}

function checkDistribution(storage: StorageSettings, { name, upstream, layers }: Distribution, origin: string): void {
  const refuse = (code: string, problem: string): never => {
    throw new ConfigurationError(code, `${origin}: storage.distributions.${name}: ${problem}`);
  };
  const all = upstream.map(
    (other) =>
      storage.distributions.find((distribution) => distribution.name === other) ??
      refuse('unknown-distribution', `the upstream '${other}' is no distribution.`),
  );
  const circle = all.find((other) => isUpstream(storage, name, other.name));
  if (circle !== undefined) refuse('upstream-circle', `it and '${circle.name}' are upstream of each other.`);
  const sum = all.reduce((total, other) => total + other.layers, layers);
  if (BASE_LAYERS + sum > MOST_LAYERS) {
    const counts = [`${name} ${layers}`, ...all.map((other) => `${other.name} ${other.layers}`)].join(', ');
    refuse(
      'too-many-layers',
      `its image would have up to ${BASE_LAYERS + sum} layers (${BASE_LAYERS} of the base and its own files, ${counts}), ` +
        `and more than ${MOST_LAYERS} are not mounted everywhere. Lower \`layers\`.`,
    );
  }
}

/** Says whether images of `start` contain `name`, over however many distributions between them. */
function isUpstream({ distributions }: StorageSettings, name: string, start: string): boolean {
  const reached = new Set([start]);
  for (const each of reached) {
    for (const other of distributions.find((distribution) => distribution.name === each)?.upstream ?? []) {
      reached.add(other);
    }
  }
  return reached.has(name);
}

/** Returns a distribution by its name; throws a ConfigurationError that lists those there are. */
export function findDistribution({ distributions }: StorageSettings, name: string): Distribution {
  const found = distributions.find((distribution) => distribution.name === name);
  if (found !== undefined) return found;
  throw new ConfigurationError(
    'unknown-distribution',
    `'${name}' is no distribution; there are ${distributions.map((distribution) => distribution.name).join(', ')}.`,
  );
}

/**
 * Returns the distributions whose images contain this one, nearest first: the order in which they are rebuilt when it
 * changes. A frozen one is left out.
 */
export function downstreamOf({ distributions }: StorageSettings, name: string): readonly Distribution[] {
  return distributions
    .filter(({ frozen, upstream }) => !frozen && upstream.includes(name))
    .sort((a, b) => a.upstream.length - b.upstream.length);
}
