import validate from '../../generated/exchange-plugin.cjs';
import { ConfigurationError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { describeViolation, findViolations } from '../util/json-schema.ts';

/** A plugin to release: one YAML at one commit, and its images; `schema/exchange/plugin.schema.json`. */
export interface Plugin {
  /** The file name without `.yaml`. */
  readonly plugin: string;
  /** `spec.version`, with its `v`. */
  readonly version: string;
  /** Path of the YAML from the root of the repository. */
  readonly file: string;
  /** Commit the YAML was read at; empty for a directory on disk. */
  readonly commit: string;
  /** Git blob id of the YAML. */
  readonly blob: string;
  readonly images: readonly Image[];
}

/** Returns `value` as a plugin, or throws a ConfigurationError that names `origin` and the first thing that is wrong. */
export function parsePlugin(value: unknown, origin: string): Plugin {
  const [violation] = findViolations(validate, value);
  if (violation !== undefined) {
    throw new ConfigurationError('invalid-plugin', `${origin}: ${describeViolation(violation)}`);
  }
  return value as Plugin;
}
