import { ActionError, messageOf } from '../errors.ts';
import type { Descriptor } from '../image/manifest.ts';
import type { Platform } from '../image/platform.ts';
import type { Repository } from '../registry/repository.ts';
import { readAll } from '../util/content.ts';

/** An image's configuration, field by field as it was read; https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md. */
export interface ImageConfig {
  readonly platform: Platform;
  readonly diffIds: readonly string[];
  readonly history: readonly Readonly<Record<string, unknown>>[];
  /** What a container starts with. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Everything else, such as `os.version`. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** An image's configuration is a few kilobytes. */
const LIMIT = 4 * 1024 * 1024;

/** Reads the configuration that a manifest names; throws an ActionError for one that is no container image's. */
export async function readImageConfig(repository: Repository, descriptor: Descriptor): Promise<ImageConfig> {
  const where = `${repository}: the configuration ${descriptor.digest}`;
  let value: unknown;
  try {
    value = JSON.parse((await readAll(repository.blob(descriptor).open(), LIMIT)).toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
    throw new ActionError(
      'invalid-image',
      `${where} is no JSON of an image: ${messageOf(error)}. Push the image again.`,
      {
        cause: error,
      },
    );
  }
  const { os, architecture, variant, rootfs, history, config, ...rest } = record(value);
  const diffIds = record(rootfs)['diff_ids'];
  if (typeof os !== 'string' || typeof architecture !== 'string' || !isTexts(diffIds)) {
    throw new ActionError('invalid-image', `${where} names no platform or no layers, so this is no container image.`);
  }
  return {
    platform: { os, architecture, ...(typeof variant === 'string' && variant !== '' && { variant }) },
    diffIds,
    history: Array.isArray(history) ? history.map(record) : [],
    config: record(config),
    rest,
  };
}

/** Returns the labels of an image. */
export function labelsOf({ config }: ImageConfig): Record<string, string> {
  const labels = Object.entries(record(config['Labels']));
  return Object.fromEntries(labels.filter((label): label is [string, string] => typeof label[1] === 'string'));
}

/** Returns the variables that an image sets. */
export function envOf({ config }: ImageConfig): Map<string, string> {
  const lines = config['Env'];
  if (!isTexts(lines)) return new Map();
  return new Map(
    lines.map((line) => {
      const equals = line.indexOf('=');
      return equals === -1 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}

/** Returns the directory that an image's commands run in. */
export function workdirOf({ config }: ImageConfig): string {
  const directory = config['WorkingDir'];
  return typeof directory === 'string' && directory !== '' ? directory : '/';
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
