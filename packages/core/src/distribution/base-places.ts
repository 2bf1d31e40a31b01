import type { TarAttributes } from '../archive/tar.ts';
import type { CopyTarget, Dockerfile, Step } from '../dockerfile/dockerfile.ts';
import { ConfigurationError } from '../errors.ts';
import { type BaseFiles, parentsOf } from './base-files.ts';

/**
 * Returns the attributes of the directories that stand in the base image, for a layer that goes through them: an entry
 * of ours would change them otherwise.
 */
export function attributesIn(base: BaseFiles): (directory: string) => TarAttributes | undefined {
  return (directory) => {
    const file = base.get(directory);
    return file?.kind === 'directory' ? file : undefined;
  };
}

/**
 * Throws a ConfigurationError when the way to a path leads through something else than directories of the base image: a
 * layer cannot go through a symlink, it would put a directory in its place.
 */
export function checkWay(path: string, base: BaseFiles, place: string): void {
  for (const parent of parentsOf(path)) {
    const file = base.get(parent);
    if (file === undefined || file.kind === 'directory') continue;
    const what = file.kind === 'symlink' ? `a symlink to ${file.linkTo}` : 'a file';
    const cure = file.kind === 'symlink' ? 'Name the directory that it points to.' : 'Name another target.';
    throw new ConfigurationError('dockerfile', `${place}: /${parent} is ${what} in the base image. ${cure}`);
  }
}

/** Throws a ConfigurationError when the base image has files where a distribution's packages go: nobody knows of them. */
export function checkNoPackages(distribution: string, base: BaseFiles, place: string): void {
  const directory = `packages/${distribution}/`;
  for (const [path, { kind }] of base) {
    if (kind === 'directory' || !path.startsWith(directory)) continue;
    throw new ConfigurationError(
      'dockerfile',
      `${place}: the base image has /${path}, which would be among the packages. Name a base image without packages of '${distribution}'.`,
    );
  }
}

/**
 * Throws a ConfigurationError for a single file that would be called as a directory is: Docker puts it into the
 * directory, which only the engine sees that has all layers at hand.
 */
export function checkTarget(target: CopyTarget, base: BaseFiles, { steps }: Dockerfile, place: string): void {
  const { path } = target;
  const isDirectory = base.get(path.slice(1))?.kind === 'directory' || steps.some((step) => needsDirectory(step, path));
  if (!isDirectory) return;
  throw new ConfigurationError(
    'dockerfile',
    `${place}: ${path} is a directory, and a file would stand in its place. Write ${path}/ to copy the file into it.`,
  );
}

/** Says whether an instruction makes a path a directory. */
function needsDirectory(step: Step, path: string): boolean {
  switch (step.kind) {
    case 'workdir':
      return step.path === path || step.path.startsWith(`${path}/`);
    case 'copy':
      return step.target.path.startsWith(`${path}/`) || (step.target.isDirectory && step.target.path === path);
    case 'packages':
    case 'upstream':
      return `/packages/${step.distribution}/`.startsWith(`${path}/`);
    default:
      return false;
  }
}
