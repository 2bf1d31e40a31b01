import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '@slipway/core/action/inputs';
import { type Package, parsePackage } from '@slipway/core/archive/package';
import { ConfigurationError, messageOf, systemCodeOf } from '@slipway/core/errors';

/** Bytes; a package is described in a page. */
const LIMIT = 1024 * 1024;

/**
 * Reads the packages that a directory of `.json` files describes, sorted by file; none when there is no such directory,
 * for then no job has left any. Whatever is no regular file is refused: what lies there came out of artifacts.
 */
export async function readPackagesDirectory(directory: string): Promise<readonly Package[]> {
  const names = (await listDirectory(directory)).filter((name) => name.endsWith('.json')).sort();
  const packages: Package[] = [];
  for (const name of names) {
    const path = join(directory, name);
    packages.push(parsePackage(parseJson(await readSmallFile(path), 'packages-directory'), path));
  }
  return packages;
}

async function listDirectory(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw refuse(directory, messageOf(error), error);
  }
}

async function readSmallFile(path: string): Promise<string> {
  // O_NONBLOCK, or opening a pipe waits for somebody to write.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: unknown) => {
    throw refuse(path, systemCodeOf(error) === 'ELOOP' ? 'it is a symbolic link' : messageOf(error), error);
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw refuse(path, 'it is no regular file');
    if (found.size > LIMIT) throw refuse(path, `it has ${found.size} bytes, more than 1 MiB`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function refuse(path: string, why: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError('packages-directory', `input 'packages-directory': ${path} is not read: ${why}.`, {
    cause,
  });
}
