import { type Dirent, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** By what a directory that was written before is known: a file of its tree, and how that file begins. */
export interface TreeMark {
  readonly path: string;
  readonly beginning: string;
}

/**
 * Makes `directory` hold exactly `files`. What is equal already is not touched, and every other file is replaced in one
 * step, so that a process that uses the tree meanwhile finds whole files. `.git` is left alone.
 *
 * Throws when the directory holds something and lacks the mark: it is somebody else's.
 */
export async function writeTree(
  directory: string,
  files: ReadonlyMap<string, Uint8Array | string>,
  mark: TreeMark,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const present = await listFiles(directory);
  await checkOwner(directory, present, mark);
  const isFile = new Map(present.map((entry) => [pathOf(directory, entry), entry.isFile()]));
  const surplus = [...isFile.keys()].filter((path) => !files.has(path));
  for (const path of surplus) await removeFile(directory, path);
  const changed: string[] = [];
  for (const [path, content] of files) {
    const equal = isFile.get(path) === true && Buffer.from(content).equals(await readFile(join(directory, path)));
    if (!equal) changed.push(path);
  }
  if (changed.length === 0) return;
  // The mark first: a tree that was cut off while it was written can be written again.
  changed.sort((a, b) => Number(b === mark.path) - Number(a === mark.path));
  const staging = await mkdtemp(`${directory}.new-`);
  try {
    for (const path of changed) {
      const target = join(directory, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(join(staging, 'file'), files.get(path) ?? '');
      await rename(join(staging, 'file'), target);
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function listFiles(directory: string): Promise<Dirent[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory() && !/^\.git(\/|$)/.test(pathOf(directory, entry)));
}

function pathOf(directory: string, entry: Dirent): string {
  return relative(directory, join(entry.parentPath, entry.name));
}

async function checkOwner(directory: string, present: readonly Dirent[], { path, beginning }: TreeMark): Promise<void> {
  if (present.length === 0) return;
  const file = join(directory, path);
  if (existsSync(file) && (await readFile(file, 'utf8')).startsWith(beginning)) return;
  throw new Error(`${directory} holds files that were not assembled here. Name a directory that is empty or absent.`);
}

/** Removes a file, and the directories that are empty without it. */
async function removeFile(directory: string, path: string): Promise<void> {
  await rm(join(directory, path));
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    const left = await readdir(join(directory, parent));
    if (left.length > 0) return;
    await rmdir(join(directory, parent));
  }
}
