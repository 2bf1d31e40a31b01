import { gunzipSync, gzipSync } from 'node:zlib';
import { ActionError, messageOf } from '../errors.ts';
import { type Digest, isDigest } from '../image/digest.ts';
import type { PackageTree } from '../storage/package-version.ts';
import { DISTRIBUTION, LAYERS, REVISION } from '../storage/published-image.ts';
import { isCommit } from './git-tree.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md#pre-defined-annotation-keys */
export const BASE_NAME = 'org.opencontainers.image.base.name';
export const BASE_DIGEST = 'org.opencontainers.image.base.digest';

const UPSTREAM = 'dev.slipway.upstream.';

/** The ground on which every layer of the image was checked. */
const CHECKED = 'dev.slipway.checked';

/** How the packages of the branch are spread over layers. */
const PLAN = 'dev.slipway.plan';

/** What the files of each layer would take without links. */
const PLAIN = 'dev.slipway.plain';

/** The program that built the image from its Dockerfile, and knows nothing of layers by what is in them. */
const BUILDER = 'dev.slipway.builder';

/** What compressed each layer. */
const COMPRESSOR = 'dev.slipway.compressor';

/** Bytes of a list of packages. */
const LONGEST_LIST = 16 * 1024 * 1024;

/** Annotation of a layer's descriptor; only a hint, for engines drop it when they push. */
export const LAYER = 'dev.slipway.layer';

/** An upstream distribution's image, as the one that contains it knows it. */
export interface UpstreamLabel {
  readonly name: string;
  readonly digest: Digest;
  /** The commit it was built from; undefined for an image that was not built by us. */
  readonly revision: string | undefined;
  /** What such an image holds, for no branch tells; undefined for one that we built. */
  readonly packages?: readonly PackageTree[];
}

/** What a layer of an image holds: the base image's files, files of the branch, or packages of a distribution. */
export type LayerLabel = 'base' | 'files' | { readonly distribution: string; readonly key: string };

/** What an image that we built says of itself; what the next build needs stands here, where no engine drops it. */
export interface DistributionLabels {
  readonly distribution: string;
  readonly revision: string;
  readonly base: { readonly name: string; readonly digest: Digest };
  readonly upstreams: readonly UpstreamLabel[];
  /** One for each layer of the manifest, the lowest first. */
  readonly layers: readonly LayerLabel[];
  /** What the verdict of the checks depended on besides these layers; undefined for an image that was not checked. */
  readonly checked?: string;
  /** Bytes of the files of each layer, equal ones counted each time; undefined where nobody knows. */
  readonly plain?: readonly (number | undefined)[];
  /** The program that carried the Dockerfile out; undefined for an image whose layers we made. */
  readonly builder?: string;
  /** What compressed each layer; undefined where nobody knows. */
  readonly compressors?: readonly (string | undefined)[];
  /** What the next plan has to know of this one's; undefined where no packages of the branch are copied. */
  readonly plan?: string;
}

export function formatLabels(labels: DistributionLabels): Record<string, string> {
  const { distribution, revision, base, upstreams, layers, checked, plan, plain, compressors, builder } = labels;
  return {
    [REVISION]: revision,
    [BASE_NAME]: base.name,
    [BASE_DIGEST]: base.digest,
    [DISTRIBUTION]: distribution,
    ...Object.fromEntries(
      upstreams.flatMap(({ name, digest, revision: built, packages }) => [
        [`${UPSTREAM}${name}.digest`, digest],
        ...(packages === undefined ? [] : [[`${UPSTREAM}${name}.packages`, encodePackages(packages)]]),
        ...(built === undefined ? [] : [[`${UPSTREAM}${name}.revision`, built]]),
      ]),
    ),
    [LAYERS]: layers.map(formatLayerLabel).join(' '),
    ...(checked !== undefined && { [CHECKED]: checked }),
    ...(builder !== undefined && { [BUILDER]: builder }),
    ...(plan !== undefined && { [PLAN]: plan }),
    ...(plain !== undefined && { [PLAIN]: formatWords(plain) }),
    ...(compressors !== undefined && { [COMPRESSOR]: formatWords(compressors) }),
  };
}

/** Writes something of each layer, where it is known. */
function formatWords(words: readonly (string | number | undefined)[]): string {
  return words.map((word) => word ?? '-').join(' ');
}

export function formatLayerLabel(layer: LayerLabel): string {
  return typeof layer === 'string' ? layer : `${layer.distribution}:${layer.key}`;
}

/** Returns what an image says of itself; undefined for one that was not built by us. */
export function parseLabels(labels: Readonly<Record<string, string>>): DistributionLabels | undefined {
  const { [REVISION]: revision, [BASE_NAME]: name, [BASE_DIGEST]: digest } = labels;
  const { [DISTRIBUTION]: distribution, [LAYERS]: layers, [CHECKED]: checked } = labels;
  const { [BUILDER]: builder, [PLAN]: plan, [PLAIN]: plain, [COMPRESSOR]: compressors } = labels;
  if (revision === undefined || name === undefined || digest === undefined || !isDigest(digest)) return undefined;
  if (distribution === undefined || layers === undefined) return undefined;
  const upstreams = parseUpstreams(labels);
  // Whoever pushes writes labels, and a commit is what git is asked for.
  if (![revision, ...upstreams.flatMap((upstream) => upstream.revision ?? [])].every(isCommit)) return undefined;
  return {
    distribution,
    revision,
    base: { name, digest },
    upstreams,
    layers: layers.split(' ').map(parseLayerLabel),
    ...(checked !== undefined && { checked }),
    ...(builder !== undefined && { builder }),
    ...(plan !== undefined && { plan }),
    ...(plain !== undefined && {
      plain: parseWords(plain).map((word) => (/^\d+$/.test(word ?? '') ? Number(word) : undefined)),
    }),
    ...(compressors !== undefined && { compressors: parseWords(compressors) }),
  };
}

function parseWords(text: string): (string | undefined)[] {
  return text.split(' ').map((word) => (word === '-' ? undefined : word));
}

function parseUpstreams(labels: Readonly<Record<string, string>>): UpstreamLabel[] {
  return Object.entries(labels).flatMap(([label, digest]) => {
    const name = /^dev\.slipway\.upstream\.([^.]+)\.digest$/.exec(label)?.[1];
    if (name === undefined || !isDigest(digest)) return [];
    const packages = labels[`${UPSTREAM}${name}.packages`];
    return [
      {
        name,
        digest,
        revision: labels[`${UPSTREAM}${name}.revision`],
        ...(packages !== undefined && { packages: decodePackages(packages) }),
      },
    ];
  });
}

/** Two thousand versions with their ids are 60 kB, gzipped; a configuration may have some megabytes. */
function encodePackages(packages: readonly PackageTree[]): string {
  const lines = packages.map(({ name, version, tree }) => `${name} ${version} ${tree}\n`);
  return gzipSync(lines.join('')).toString('base64');
}

function decodePackages(text: string): PackageTree[] {
  const lines = inflate(text).split('\n');
  return lines.filter(Boolean).map((line) => {
    const [name = '', version = '', tree = ''] = line.split(' ');
    return { name, version, tree };
  });
}

function inflate(text: string): string {
  try {
    return gunzipSync(Buffer.from(text, 'base64'), { maxOutputLength: LONGEST_LIST }).toString('utf8');
  } catch (error) {
    const message = `The label with an upstream's packages is no gzipped list: ${messageOf(error)}. Build the image again.`;
    throw new ActionError('invalid-image', message, { cause: error });
  }
}

function parseLayerLabel(word: string): LayerLabel {
  const [, distribution, key] = /^([a-z0-9-]+):([0-9a-f]{64})$/.exec(word) ?? [];
  if (distribution !== undefined && key !== undefined) return { distribution, key };
  return word === 'base' ? 'base' : 'files';
}

/** Says whether a label is one of those that we write: no base image and no Dockerfile has a say in them. */
export function isOwnLabel(label: string): boolean {
  return label.startsWith('dev.slipway.');
}
