import { posix } from 'node:path';
import type { CopyTarget } from '../dockerfile/dockerfile.ts';
import { ConfigurationError } from '../errors.ts';
import type { BranchCommit } from './branch-commit.ts';
import type { LayerFile } from './layer-entries.ts';
import { checkLayerPath } from './package-files.ts';

/**
 * Returns the files that a COPY from the branch puts into the image, as Docker does: a file under the target's name, or
 * into it when that is a directory; of a directory what is in it. Throws a ConfigurationError for what is not there.
 */
export async function findCopiedFiles(
  branch: Pick<BranchCommit, 'listFiles'>,
  { sources, target }: { readonly sources: readonly string[]; readonly target: CopyTarget },
  place: string,
): Promise<LayerFile[]> {
  const files = await branch.listFiles(sources);
  return sources.flatMap((source) => {
    const base = target.path.slice(1);
    const found = files.filter(({ path }) => path === source || path.startsWith(`${source}/`));
    const isDirectory = found[0]?.path !== source;
    if (found.length === 0) {
      throw new ConfigurationError(
        'missing-file',
        `${place}: ${source} is not on this branch. Commit it, or correct its name.`,
      );
    }
    return found.map(({ path, mode, id }): LayerFile => {
      if (mode !== '100644' && mode !== '100755') {
        throw new ConfigurationError(
          'unsupported-file',
          `${place}: ${path} is a symlink or a submodule. Commit the file itself.`,
        );
      }
      const inside = isDirectory ? path.slice(source.length + 1) : target.isDirectory ? posix.basename(path) : '';
      const copied = posix.join(base, inside);
      checkLayerPath(copied, `${place}: ${path}`);
      return { path: copied, mode, id };
    });
  });
}
