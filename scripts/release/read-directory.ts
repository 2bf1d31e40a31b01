import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Files } from './git-tree.ts';

/** Reads a tree that was assembled before; throws for anything in it that is no regular file, such as a link. */
export async function readDirectory(directory: string): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => !each.isDirectory())) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) throw new Error(`${path} is no regular file.`);
    files.set(relative(directory, path), await readFile(path));
  }
  if (files.size === 0) throw new Error(`${directory} is empty. Assemble a tree first: npm run assemble -- --out DIR`);
  return files;
}
