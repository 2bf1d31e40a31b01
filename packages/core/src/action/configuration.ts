import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Configuration, parseConfiguration } from '../configuration/configuration.ts';
import { ConfigurationError, messageOf, systemCodeOf } from '../errors.ts';
import type { EventContext } from '../github/event.ts';
import { readRepositoryFile } from '../github/repository-file.ts';

/** A configuration is a page or two. */
const LIMIT = 1024 * 1024;

/**
 * Loads the configuration of the repository the job runs for.
 *
 * It is read through the API, from the base commit of the event's pull request, else from the head of the default
 * branch: what a pull request says about the rules must not hold for itself. A `path` that is absolute or begins with a
 * dot and a slash is a file on disk instead, and so is every path when no repository is known. An absent file gives the
 * defaults, unless it was asked for by a path on disk.
 */
export async function loadConfiguration(
  path: string,
  event: EventContext,
  token: string | undefined,
): Promise<Configuration> {
  if (isPathOnDisk(path)) {
    return parseConfiguration(await readFromDisk(path, 'required'), path);
  }
  if (event.repository === undefined) return parseConfiguration(await readFromDisk(path, 'optional'), path);
  const address = { apiUrl: event.apiUrl, repository: event.repository, token };
  const ref = event.pullRequest?.baseSha;
  const bytes = await readRepositoryFile(address, path, ref, LIMIT);
  return parseConfiguration(bytes?.toString('utf8'), path);
}

/** Says whether an input `config` names a file on the runner, and not one in the repository. */
export function isPathOnDisk(path: string): boolean {
  return /^\.{0,2}\//.test(path);
}

async function readFromDisk(path: string, presence: 'required' | 'optional'): Promise<string | undefined> {
  try {
    return await readFile(resolve(path), 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' && presence === 'optional') return undefined;
    throw new ConfigurationError('missing-configuration', `input 'config': cannot read ${path}: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}
