import { readFile } from 'node:fs/promises';
import type { Package } from '@slipway/core/archive/package';
import { ConfigurationError, messageOf } from '@slipway/core/errors';
import type { EventContext } from '@slipway/core/github/event';
import { readRepositoryFile } from '@slipway/core/github/repository-file';

/** A plugin's YAML is a page; validate-plugin accepts 1 MiB at the most. */
const LIMIT = 1024 * 1024;

/**
 * Returns the YAML of a released plugin: at the commit it was released from, or from the disk when it was released from a
 * directory there.
 */
export async function readReleaseYaml(
  { plugin, commit }: Package,
  directory: string,
  event: EventContext,
  token: string | undefined,
): Promise<Buffer> {
  const path = `${directory}/${plugin}.yaml`;
  if (commit !== '' && event.repository !== undefined) {
    const address = { apiUrl: event.apiUrl, repository: event.repository, token };
    const bytes = await readRepositoryFile(address, path, commit, LIMIT);
    if (bytes !== undefined) return bytes;
    throw new ConfigurationError(
      'plugin-missing',
      `${event.repository} has no ${path} at ${commit}, from which ${plugin} was released. Was the branch deleted?`,
    );
  }
  try {
    return await readFile(path);
  } catch (error) {
    throw new ConfigurationError(
      'plugin-missing',
      `Cannot read ${path}: ${messageOf(error)}. ${plugin} was released from a directory on disk: run this in that one.`,
      { cause: error },
    );
  }
}
