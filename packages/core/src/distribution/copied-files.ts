import { posix } from 'node:path';
import type { CopyTarget } from '../dockerfile/dockerfile.ts';
import { ConfigurationError } from '../errors.ts';
import type { GitTree } from './git-tree.ts';
import type { LayerFile } from './layer-entries.ts';
import { checkLayerPath } from './package-files.ts';

/**
 * Returns the files that a COPY from the branch puts into the image, as Docker does: a file under the target's name, or
 * into it when that is a directory; of a directory what is in it. Throws a ConfigurationError for what is not there.
 */
export function findCopiedFiles(
  { files, directories }: GitTree,
  { sources, target }: { readonly sources: readonly string[]; readonly target: CopyTarget },
  place: string,
): LayerFile[] {
  return sources.flatMap((source) => {
    const base = target.path.slice(1);
    const isDirectory = directories.has(source);
    const found = files.filter(({ path }) => (isDirectory ? path.startsWith(`${source}/`) : path === source));
    if (found.length === 0) {
      throw new ConfigurationError(
        'missing-file',
        `${place}: ${source} is not on this branch. Commit it, or correct its name.`,
      );
    }
    return found.map(({ path, mode, id, size }): LayerFile => {
      if (mode !== '100644' && mode !== '100755') {
        throw new ConfigurationError(
          'unsupported-file',
          `${place}: ${path} is a symlink or a submodule. Commit the file itself.`,
        );
      }
      const inside = isDirectory ? path.slice(source.length + 1) : target.isDirectory ? posix.basename(path) : '';
      const copied = posix.join(base, inside);
      checkLayerPath(copied, `${place}: ${path}`);
      return { path: copied, mode, id, size };
    });
  });
}
