import { RegistryError } from './registry-error.ts';

/** What an address of the registry stands for. */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: string }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: string };

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);

/**
 * Reads a path; undefined when it is no address of a registry, NAME_INVALID when only its repository is wrong.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 */
export function readRoute(pathname: string): Route | undefined {
  if (/^\/v2\/?$/.test(pathname)) return { kind: 'base' };
  const found = /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs|tags|referrers)\/([^/]*)$/.exec(pathname);
  const [repository, family, last] = (found ?? []).slice(1).map(decode);
  if (repository === undefined || family === undefined || last === undefined) return undefined;
  switch (family) {
    case 'manifests':
      return { kind: 'manifest', repository: requireRepository(repository), reference: last };
    case 'blobs/uploads':
      if (last === '') return { kind: 'uploads', repository: requireRepository(repository) };
      return { kind: 'upload', repository: requireRepository(repository), id: last };
    case 'blobs':
      // Some clients leave out the slash behind `uploads`.
      if (last === 'uploads') return { kind: 'uploads', repository: requireRepository(repository) };
      return { kind: 'blob', repository: requireRepository(repository), digest: last };
    case 'tags':
      return last === 'list' ? { kind: 'tags', repository: requireRepository(repository) } : undefined;
    default:
      return { kind: 'referrers', repository: requireRepository(repository), digest: last };
  }
}

/** Checks a repository's name before it becomes part of a path on disk. */
export function isRepository(name: string): boolean {
  return name.length <= 255 && REPOSITORY.test(name);
}

function requireRepository(name: string): string {
  if (!isRepository(name))
    throw new RegistryError(400, 'NAME_INVALID', 'invalid repository name', { detail: { name } });
  return name;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
