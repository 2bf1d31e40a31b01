import type { Dockerfile } from '../dockerfile/dockerfile.ts';
import type { Digest } from '../image/digest.ts';
import { sha256 } from '../util/content.ts';
import type { ReadyLayer } from './build-layers.ts';
import { formatLayerLabel, type LayerLabel } from './labels.ts';
import type { PublishedDistribution } from './published-distribution.ts';

/** Which of an image's layers of packages the checks look at; base and own files are always there. */
export type CheckScope =
  | { readonly kind: 'all' }
  /** Those that no earlier image had when it was checked; all of them are looked at where these alone do not pass. */
  | { readonly kind: 'some'; readonly labels: ReadonlySet<string> }
  /** An image with every layer was checked before. */
  | { readonly kind: 'none' };

/** A layer as far as it concerns checks. */
type LabelledLayer = Pick<ReadyLayer, 'label' | 'diffId'>;

/** The key of a layer in which no package is. */
const EMPTY = sha256('');

/**
 * Returns what the verdict of a Dockerfile's checks depends on besides packages: the base image, the instructions and the
 * files of the branch. An image says it in a label, and so that all of its layers were checked on that ground; undefined
 * where there is no check.
 */
export function checkGround(
  { steps }: Pick<Dockerfile, 'steps'>,
  base: Digest,
  layers: readonly LabelledLayer[],
): string | undefined {
  if (!hasChecks({ steps })) return undefined;
  const files = layers.filter(({ label }) => label === 'files').map(({ diffId }) => diffId);
  return sha256(JSON.stringify({ base, files, steps }, writeMeaning));
}

/** Says whether a Dockerfile has RUN lines, which are its checks. */
export function hasChecks({ steps }: Pick<Dockerfile, 'steps'>): boolean {
  return steps.some(({ kind }) => kind === 'run');
}

/** Where an instruction stands in its file, and how it is written there, changes nothing. */
function writeMeaning(key: string, value: unknown): unknown {
  if (key === 'line' || key === 'text') return undefined;
  return value instanceof Map ? [...value.entries()] : value;
}

/**
 * Chooses what is to be checked of an image. A layer that an earlier image had when it was checked on the same ground
 * holds packages that passed; another base, other instructions or other files make everything be checked.
 *
 * Layers without a package are never looked at alone: a registry that finds no package at all calls that a failure.
 */
export function chooseCheckScope(
  ground: string,
  layers: readonly Pick<ReadyLayer, 'label'>[],
  earlier: readonly (Pick<PublishedDistribution, 'labels'> | undefined)[],
): CheckScope {
  const passed = new Set(
    earlier.flatMap((image) =>
      image?.labels?.checked === ground ? image.labels.layers.flatMap(packagesIn).map(formatLayerLabel) : [],
    ),
  );
  const holding = layers.flatMap(({ label }) => packagesIn(label)).filter(({ key }) => key !== EMPTY);
  const labels = new Set(holding.map(formatLayerLabel).filter((label) => !passed.has(label)));
  if (passed.size === 0 || labels.size === holding.length) return { kind: 'all' };
  return labels.size === 0 ? { kind: 'none' } : { kind: 'some', labels };
}

function packagesIn(label: LayerLabel): Exclude<LayerLabel, string>[] {
  return typeof label === 'string' ? [] : [label];
}
