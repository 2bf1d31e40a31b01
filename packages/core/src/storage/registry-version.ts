import type { Distribution } from '../configuration/storage.ts';
import { ConfigurationError } from '../errors.ts';
import { isStrictVersion } from './package-version.ts';

const COMMIT = /^[0-9a-f]{40}$/;

/** Says whether a version of the package registry is one that stays what it is: a version with or without v, or a commit. */
export function isFixedVersion(version: string): boolean {
  return COMMIT.test(version) || isStrictVersion(version.replace(/^v/, ''));
}

/** Throws a ConfigurationError unless a distribution may run this version of the package registry. */
export function checkRegistryVersion(version: string, { name, registry }: Distribution): void {
  if (!isFixedVersion(version)) {
    throw new ConfigurationError(
      'invalid-version',
      `'${version}' is no fixed version of the package registry: give a tag such as v1.15.0, or a commit id of 40 digits.`,
    );
  }
  if (registry === 'stable' && (COMMIT.test(version) || version.includes('-'))) {
    throw new ConfigurationError(
      'unstable-registry',
      `'${name}' runs releases only (its policy is registry: stable), and '${version}' is none. Leave it out of \`distributions\`.`,
    );
  }
}

/** Where a branch says which package registry it runs. */
export type Place = 'ARG' | 'ENV' | 'FROM' | 'LABEL' | 'go.mod';

export interface NamedVersion {
  readonly place: Place;
  readonly value: string;
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
    return [...(isSplit ? [lead] : []), ...odd].map(({ place, value }) => ({ distribution, place, value }));
  });
}
