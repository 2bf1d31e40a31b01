import { ConfigurationError } from '../errors.ts';
import { type Digest, isDigest } from './digest.ts';

/**
 * A reference to an image: where it is served, its repository there, and a tag or a digest or both.
 *
 * The grammar is the one of https://github.com/distribution/reference; names are expanded as docker does it
 * (`busybox` is `docker.io/library/busybox`).
 */
export interface Reference {
  /** Registry name, with its port when it has one: `harbor.example.com`, `127.0.0.1:5000`. */
  readonly registry: string;
  /** `release/compass-plugins-cd-manager`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;

/** Docker Hub's name, the one from its early days, and the host that serves it. */
const DOCKER_HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Returns the reference that `text` spells; throws a ConfigurationError that says which part is wrong. */
export function parseReference(text: string): Reference {
  const refuse = (why: string): never => {
    throw new ConfigurationError('invalid-reference', `'${text}' is no image reference: ${why}.`);
  };
  const at = text.indexOf('@');
  const digest = at === -1 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) refuse(`'${digest}' is no digest`);
  const named = at === -1 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon === -1 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) refuse(`'${tag}' is no tag`);
  const { registry, repository } = splitName(colon === -1 ? named : named.slice(0, colon));
  if (!HOST.test(registry)) refuse(`'${registry}' is no registry name`);
  if (!REPOSITORY.test(repository) || repository.length > 255) refuse(`'${repository}' is no repository name`);
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** Splits off the registry: the first component, when it looks like a host. */
function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  if (slash === -1 || !(first.includes('.') || first.includes(':') || first === 'localhost')) {
    return { registry: 'docker.io', repository: slash === -1 ? `library/${name}` : name };
  }
  const registry = DOCKER_HUB.has(first) ? 'docker.io' : first;
  const repository = name.slice(slash + 1);
  return {
    registry,
    repository: registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
  };
}

/** Returns a registry with a namespace, as configurations name them, with the name that references have for Docker Hub. */
export function canonicalName(name: string): string {
  const [registry = '', ...path] = name.split('/');
  return [DOCKER_HUB.has(registry) ? 'docker.io' : registry, ...path].join('/');
}

/** Returns the text of a reference; `parseReference` gives the same reference back. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** Returns the last component of the repository, `compass-plugins-cd-manager`. */
export function lastComponent({ repository }: Pick<Reference, 'repository'>): string {
  return repository.slice(repository.lastIndexOf('/') + 1);
}
