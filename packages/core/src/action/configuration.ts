import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CONFIGURATION_FILE, type Configuration, parseConfiguration } from '../configuration/configuration.ts';
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
  if (path.startsWith('/') || path.startsWith('./') || path.startsWith('../')) {
    return parseConfiguration(await readFromDisk(path, 'required'), path);
  }
  if (event.repository === undefined) return parseConfiguration(await readFromDisk(path, 'optional'), path);
  const address = { apiUrl: event.apiUrl, repository: event.repository, token };
  const ref = event.pullRequest?.baseSha;
  const bytes = await readRepositoryFile(address, path, ref, LIMIT);
  return parseConfiguration(bytes?.toString('utf8'), path);
}

/** Loads the configuration of a checkout on disk; an absent file gives the defaults. */
export async function loadConfigurationOf(directory: string): Promise<Configuration> {
  return parseConfiguration(await readFromDisk(join(directory, CONFIGURATION_FILE), 'optional'), CONFIGURATION_FILE);
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
