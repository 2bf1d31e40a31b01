import { ActionError } from '../errors.ts';
import { filterIndex, type ImageManifest, parseManifest, type RawManifest } from '../image/manifest.ts';
import { formatPlatform, matchesPlatform, type Platform } from '../image/platform.ts';
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

/**
 * Returns what of an image the wanted platforms need: an index with only those, or the manifest as it is when it has no
 * others. No platform wanted means all. Throws an ActionError when one of them is not there.
 */
export async function selectPlatforms(
  repository: Repository,
  manifest: RawManifest,
  wanted: readonly Platform[],
  label: string,
): Promise<RawManifest> {
  if (wanted.length === 0) return manifest;
  const parsed = parseManifest(manifest, label);
  if (parsed.kind === 'index') return filterIndex(manifest, parsed, wanted, label) ?? manifest;
  const platform = await readPlatform(repository, parsed);
  const missing = wanted.find((one) => !matchesPlatform(one, platform));
  if (missing === undefined) return manifest;
  throw new ActionError(
    'platform-missing',
    `${label} has no ${formatPlatform(missing)}; it is ${formatPlatform(platform)}.`,
  );
}
