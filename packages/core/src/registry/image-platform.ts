import { ActionError } from '../errors.ts';
import type { ImageManifest } from '../image/manifest.ts';
import type { Platform } from '../image/platform.ts';
import { readAll } from '../util/content.ts';
import type { Repository } from './repository.ts';

/** An image's configuration is a few kilobytes. */
const LIMIT = 4 * 1024 * 1024;

/**
 * Returns the platform of an image that no index describes: its configuration says it. Throws an ActionError for one
 * that names none, which is then no container image.
 *
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md
 */
export async function readPlatform(repository: Repository, { config }: ImageManifest): Promise<Platform> {
  const refuse = (cause?: unknown): never => {
    throw new ActionError(
      'invalid-image',
      `${repository}: the configuration ${config.digest} names no platform, so this is no container image. ` +
        'Push an image made by docker build, buildx, buildah or the like.',
      { cause },
    );
  };
  if (config.size > LIMIT) refuse();
  const bytes = await readAll(repository.blob(config).open(), LIMIT);
  let value: Partial<Platform> | null = null;
  try {
    value = JSON.parse(bytes.toString('utf8')) as Partial<Platform> | null;
  } catch (error) {
    refuse(error);
  }
  const { os, architecture, variant } = value ?? {};
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === '' || architecture === '') return refuse();
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' && { variant }) };
}
