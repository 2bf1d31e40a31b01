import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import { mapPooled } from '../util/pool.ts';
import { parentsOf } from './base-files.ts';
import type { BranchCommit } from './branch-commit.ts';
import type { GitFile } from './git-tree.ts';

/** Files that are written at once. */
const WRITTEN_AT_ONCE = 16;

/** What builders read to leave files out; ours does not, and what is served is known from the branch. */
const IGNORED = new Set(['.dockerignore', '.containerignore', 'Dockerfile.dockerignore', 'Dockerfile.containerignore']);

/**
 * Writes the files of a commit to a directory, for programs that know no git; submodules and files that tell a builder what
 * to leave out are not written. Every file has the time 0, for builders pass times on.
 */
export async function checkOut(commit: Pick<BranchCommit, 'listFiles' | 'blobs'>, directory: string): Promise<void> {
  const files = (await commit.listFiles([''])).filter(({ path, mode }) => mode !== '160000' && !IGNORED.has(path));
  for (const file of files) checkPath(file);
  checkLinks(files);
  const write = async ({ path, mode, id }: GitFile): Promise<void> => {
    const place = join(directory, path);
    const content = await commit.blobs.read(id, path);
    await mkdir(dirname(place), { recursive: true });
    if (mode === '120000') return symlink(content.toString('utf8'), place);
    await writeFile(place, content, { flag: 'wx' });
    await chmod(place, mode === '100755' ? 0o755 : 0o644);
    await utimes(place, 0, 0);
  };
  await mkdir(directory, { recursive: true });
  // Links last, so that nothing is written through one.
  await mapPooled(
    files.filter(({ mode }) => mode !== '120000'),
    WRITTEN_AT_ONCE,
    write,
  );
  for (const link of files.filter(({ mode }) => mode === '120000')) await write(link);
}

/** A tree that was made by hand can hold names that lead out of it. */
function checkPath({ path }: GitFile): void {
  const bad = path
    .split('/')
    .find((part) => part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git');
  if (bad === undefined) return;
  throw new ConfigurationError('unsupported-file', `${path}: no file can be called '${bad}' here. Rename it.`);
}

/** And a link with something below it, which would be written to where the link points. */
function checkLinks(files: readonly GitFile[]): void {
  const links = new Set(files.flatMap(({ path, mode }) => (mode === '120000' ? [path] : [])));
  for (const { path } of files) {
    const parent = parentsOf(path).find((directory) => links.has(directory));
    if (parent === undefined) continue;
    const message = `${path} stands below ${parent}, which is a symlink. No checkout can have both: remove one.`;
    throw new ConfigurationError('unsupported-file', message);
  }
}
