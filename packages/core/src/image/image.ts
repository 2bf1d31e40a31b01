import validate from '../../generated/exchange-image.cjs';
import { ConfigurationError } from '../errors.ts';
import { describeViolation, findViolations } from '../util/json-schema.ts';

/** One image of a plugin; `schema/exchange/image.schema.json`. */
export interface Image {
  /** Reference in the source registry. */
  readonly source: string;
  /** Reference in the target registry, with a tag. */
  readonly target: string;
  /** The repository's last component without the prefix. */
  readonly name: string;
  /** Digest of the manifest or index, once it is known. */
  readonly digest?: string;
  /** Platforms it holds, such as `linux/arm64/v8`, once they are known. */
  readonly platforms?: readonly string[];
  readonly result?: 'copied' | 'skipped' | 'failed';
  /** Bytes that sync moved. */
  readonly copied?: number;
  /** Why it failed. */
  readonly error?: string;
}

/** Returns `value` as images, or throws a ConfigurationError that names `origin` and the first thing that is wrong. */
export function parseImages(value: unknown, origin: string): Image[] {
  if (!Array.isArray(value)) throw new ConfigurationError('invalid-images', `${origin} is not a list of images`);
  return value.map((item: unknown, index) => {
    const [violation] = findViolations(validate, item);
    if (violation !== undefined) {
      throw new ConfigurationError('invalid-images', `${origin}: image ${index + 1}: ${describeViolation(violation)}`);
    }
    return item as Image;
  });
}
