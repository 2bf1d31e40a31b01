import type { Distribution } from '../configuration/storage.ts';
import { ConfigurationError } from '../errors.ts';
import { isStrictVersion } from './package-version.ts';

/** Throws a ConfigurationError unless a distribution may run this version of the package registry. */
export function checkRegistryVersion(version: string, { name, registry }: Distribution): void {
  const isCommit = /^[0-9a-f]{40}$/.test(version);
  if (!isCommit && !isStrictVersion(version.replace(/^v/, ''))) {
    throw new ConfigurationError(
      'invalid-version',
      `'${version}' is no fixed version of the package registry: give a tag such as v1.15.0, or a commit id of 40 digits.`,
    );
  }
  if (registry === 'stable' && (isCommit || version.includes('-'))) {
    throw new ConfigurationError(
      'unstable-registry',
      `'${name}' runs releases only (its policy is registry: stable), and '${version}' is none. Leave it out of \`distributions\`.`,
    );
  }
}

/** Where a branch says which package registry it runs. */
export type Place = 'ARG' | 'FROM' | 'LABEL' | 'go.mod';

export interface NamedVersion {
  readonly place: Place;
  readonly value: string;
}

/** What a Dockerfile says about the package registry that it starts from. */
export interface RegistryBase {
  /** Without tag and digest: `docker.elastic.co/package-registry/package-registry`. */
  readonly image: string;
  /** With the ARG filled in. */
  readonly versions: readonly NamedVersion[];
}

const ARGUMENT = 'PACKAGE_REGISTRY';
const ARG = new RegExp(`^([ \\t]*ARG[ \\t]+${ARGUMENT}=["']?)([^\\s"'#]+)`, 'im');
const FROM = /^([ \t]*FROM[ \t]+(?:--\S+[ \t]+)*)(\S+)/gim;
const LABEL = /^([ \t]*LABEL[ \t](?:.*[ \t])?["']?package-registry["']?=["']?)([^\s"']+)/im;
const VARIABLE = new RegExp(`\\$(?:${ARGUMENT}\\b|\\{${ARGUMENT}(?::?-[^}]*)?\\})`);

/** Reads a Dockerfile; undefined when it starts from nothing that could be a package registry. */
export function readRegistryBase(dockerfile: string): RegistryBase | undefined {
  const argument = ARG.exec(dockerfile)?.[2];
  const from = lastFrom(dockerfile);
  if (from === undefined) return undefined;
  const label = LABEL.exec(dockerfile)?.[2];
  const named = (place: Place, value: string | undefined): NamedVersion[] =>
    value === undefined ? [] : [{ place, value: value.replace(VARIABLE, argument ?? '') }];
  const versions = [...named('ARG', argument), ...named('FROM', from.tag), ...named('LABEL', label)];
  return { image: from.image, versions };
}

/**
 * Returns a Dockerfile that starts from another version of the package registry: in its ARG, and in the FROM and the LABEL
 * where they repeat it. `digest` takes the place of one that is pinned in FROM.
 */
export function setRegistryVersion(dockerfile: string, version: string, digest: string): string {
  const withArgument = dockerfile.replace(ARG, (_, before: string) => `${before}${version}`);
  const withLabel = withArgument.replace(LABEL, (all, before: string, value: string) =>
    VARIABLE.test(value) ? all : `${before}${version}`,
  );
  const from = lastFrom(withLabel);
  if (from === undefined) return withLabel;
  const tag = VARIABLE.test(from.tag) ? from.tag : version;
  const reference = `${from.image}:${tag}${from.digest === undefined ? '' : `@${digest}`}`;
  return `${withLabel.slice(0, from.start)}${reference}${withLabel.slice(from.end)}`;
}

interface From {
  readonly image: string;
  readonly tag: string;
  readonly digest: string | undefined;
  readonly start: number;
  readonly end: number;
}

/** The last stage is the image that is built, so it starts from the package registry. */
function lastFrom(dockerfile: string): From | undefined {
  const last = [...dockerfile.matchAll(FROM)].at(-1);
  if (last === undefined) return undefined;
  const [, before = '', reference = ''] = last;
  const [named = '', digest] = reference.split('@');
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  if (colon === -1) return undefined;
  const start = last.index + before.length;
  return { image: named.slice(0, colon), tag: named.slice(colon + 1), digest, start, end: start + reference.length };
}

/** The module of the package registry that a `go.mod` requires. */
export interface RegistryModule {
  readonly path: string;
  readonly version: string;
}

/** Finds the package registry among the modules that a `go.mod` requires, by the last component of its image's name. */
export function findRegistryModule(goMod: string, image: string): RegistryModule | undefined {
  const name = image.slice(image.lastIndexOf('/') + 1).replaceAll(/[^A-Za-z0-9]/g, '\\$&');
  const [, path, version] = new RegExp(`^\\s*(?:require\\s+)?(\\S+/${name})\\s+(v\\S+)`, 'm').exec(goMod) ?? [];
  return path === undefined || version === undefined ? undefined : { path, version };
}

/** Says whether two places name the same version: go writes commits as pseudo-versions, and tags with a v. */
export function isSameVersion(one: string, other: string): boolean {
  const plain = (version: string): string => version.replace(/^v/, '').replace(/\+incompatible$/, '');
  if (plain(one) === plain(other)) return true;
  const commits = [one, other].map((version) => /^(?:v.*-)?([0-9a-f]{12})(?:[0-9a-f]{28})?$/.exec(version)?.[1]);
  return commits[0] !== undefined && commits[0] === commits[1];
}

/** A place that names another version than it should. */
export interface Drift {
  readonly distribution: string;
  readonly place: Place;
  readonly value: string;
}

/**
 * Returns where branches disagree: with themselves, each place that names another version than the first one; with each
 * other, the first place of all of them.
 */
export function findDrift(
  branches: readonly { readonly distribution: string; readonly versions: readonly NamedVersion[] }[],
): Drift[] {
  const leads = branches.flatMap(({ versions: [lead] }) => (lead === undefined ? [] : [lead.value]));
  const isSplit = leads.some((value) => !isSameVersion(value, leads[0] ?? ''));
  return branches.flatMap(({ distribution, versions }) => {
    const [lead, ...others] = versions;
    if (lead === undefined) return [];
    const odd = others.filter(({ value }) => !isSameVersion(value, lead.value));
    return [...(isSplit ? [lead] : []), ...odd].map((named) => ({ distribution, ...named }));
  });
}
