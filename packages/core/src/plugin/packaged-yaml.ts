import { readFile } from 'node:fs/promises';
import { ConfigurationError, messageOf } from '../errors.ts';
import type { EventContext } from '../github/event.ts';
import { gitBlobId } from '../github/git-object.ts';
import { readRepositoryBlob } from '../github/repository-file.ts';
import { formatReference, type Reference } from '../image/reference.ts';
import { parseYaml } from '../util/yaml-document.ts';
import type { Plugin } from './plugin.ts';

/** A plugin's YAML is a page; validate-plugin accepts 1 MiB at the most. */
const LIMIT = 1024 * 1024;

/**
 * Returns the YAML that was validated: the bytes with the plugin's git blob id, from the repository, or from the file on
 * disk when the plugin was validated there.
 *
 * Throws a ConfigurationError when the bytes are others, or when the image that the YAML names is not in the package:
 * such a package could be unpacked and never be installed.
 */
export async function readPluginYaml(
  plugin: Plugin,
  images: readonly { readonly reference: Reference }[],
  event: EventContext,
  token: string | undefined,
): Promise<Buffer> {
  const bytes = await readBytes(plugin, event, token);
  const id = gitBlobId(bytes);
  if (id !== plugin.blob) {
    throw new ConfigurationError(
      'plugin-changed',
      `${plugin.file} has the blob id ${id}, but ${plugin.blob} was validated. Validate it again and release that.`,
    );
  }
  const named = serviceImage(bytes);
  if (named === undefined || images.some(({ reference }) => formatReference(reference) === named)) return bytes;
  throw new ConfigurationError(
    'service-image-missing',
    `${plugin.file} runs ${named}, which is not among the images of the package: ` +
      `${images.map(({ reference }) => formatReference(reference)).join(', ')}. Add it to the input 'images'.`,
  );
}

async function readBytes(plugin: Plugin, event: EventContext, token: string | undefined): Promise<Buffer> {
  if (plugin.commit !== '' && event.repository !== undefined) {
    const address = { apiUrl: event.apiUrl, repository: event.repository, token };
    const bytes = await readRepositoryBlob(address, plugin.blob, LIMIT);
    if (bytes !== undefined) return bytes;
    throw new ConfigurationError(
      'plugin-missing',
      `${event.repository} has no blob ${plugin.blob} (${plugin.file}). Was the branch deleted? Validate the plugin again.`,
    );
  }
  try {
    return await readFile(plugin.file);
  } catch (error) {
    throw new ConfigurationError(
      'plugin-missing',
      `Cannot read ${plugin.file}: ${messageOf(error)}. It was validated in a directory on disk: run this in that one.`,
      { cause: error },
    );
  }
}

function serviceImage(yaml: Buffer): string | undefined {
  const { value } = parseYaml(yaml.toString('utf8'));
  const service = (value as { spec?: { service?: { image?: unknown } } } | null)?.spec?.service;
  return typeof service?.image === 'string' ? service.image : undefined;
}
