import type { FileChange } from '../plugin/subject.ts';
import { pathsOf } from './release-request.ts';

/**
 * Returns the files among the changes that say who may do what, and how: workflows, owners, the configuration. A pull
 * request that changes one of them can be merged, but not commanded: it would be judged by what it wants to change.
 */
export function listGuardedFiles(changes: readonly FileChange[], configurationPath: string): string[] {
  const paths = new Set(changes.flatMap(pathsOf));
  return [...paths].filter((path) => isGuarded(path, configurationPath)).sort();
}

function isGuarded(path: string, configurationPath: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1).toUpperCase();
  if (name === 'OWNERS' || name === 'OWNERS_ALIASES' || name === 'CODEOWNERS') return true;
  // A file, a link or a submodule in the place of a directory replaces everything in it.
  const guarded = ['.github', configurationPath.toLowerCase()];
  const changed = path.toLowerCase();
  return changed.startsWith('.github/') || guarded.some((each) => each === changed || each.startsWith(`${changed}/`));
}
