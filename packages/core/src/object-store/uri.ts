import { checkUploadTemplate } from '../configuration/configuration.ts';
import { ConfigurationError } from '../errors.ts';

/** Address of an object, `oss://<bucket>/<key>`. */
export interface OssUri {
  readonly bucket: string;
  readonly key: string;
}

/** What the placeholders of a destination stand for; undefined where nobody knows. */
export interface DestinationValues {
  readonly prefix: string;
  readonly plugin: string | undefined;
  readonly version: string | undefined;
  /** Name of the file, without its directory. */
  readonly file: string;
}

/** OSS takes keys of 1,023 bytes at the most; https://help.aliyun.com/en/oss/user-guide/object-naming-conventions. */
const KEY_LIMIT = 1023;

/** The key of a package has its checksum beside it, under a longer name. */
const CHECKSUM_SUFFIX = '.sha256';

/** Reads `oss://<bucket>/<key>`; throws a ConfigurationError that names `origin` and what is wrong. */
export function parseOssUri(uri: string, origin: string): OssUri {
  const match = /^oss:\/\/([^/]*)\/(.*)$/s.exec(uri);
  const [, bucket = '', key = ''] = match ?? [];
  const mistake =
    match === null ? 'it should look like oss://<bucket>/<key>' : (findBucketMistake(bucket) ?? findKeyMistake(key));
  if (mistake === undefined) return { bucket, key };
  throw new ConfigurationError('invalid-destination', `${origin}: '${uri}' is no address in OSS: ${mistake}.`);
}

export function formatOssUri({ bucket, key }: OssUri): string {
  return `oss://${bucket}/${key}`;
}

/** https://help.aliyun.com/en/oss/user-guide/bucket-naming-conventions */
function findBucketMistake(bucket: string): string | undefined {
  if (/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)) return undefined;
  return 'the bucket has 3 to 63 lower-case letters, digits and inner hyphens';
}

/** A key with `..` or an empty segment is legal in OSS, and means something else to everything that reads it as a path. */
function findKeyMistake(key: string): string | undefined {
  if (key === '') return 'the key is missing';
  if (Buffer.byteLength(key) + CHECKSUM_SUFFIX.length > KEY_LIMIT) {
    return `the key is longer than ${KEY_LIMIT - CHECKSUM_SUFFIX.length} bytes`;
  }
  if (/[\\\p{Cc}\p{Zl}\p{Zp}]/u.test(key)) return 'the key holds a backslash or a control character';
  const segments = key.split('/');
  if (segments.includes('')) return 'the key begins or ends with a slash, or holds two in a row';
  return segments.some((segment) => segment === '.' || segment === '..') ? "the key holds '.' or '..'" : undefined;
}

/** Returns the address of a package's checksum, which lies beside it. */
export function checksumUri({ bucket, key }: OssUri): OssUri {
  return { bucket, key: `${key}${CHECKSUM_SUFFIX}` };
}

/** Tells whether an object is, by its name, the checksum of another one. */
export function isChecksumKey(key: string): boolean {
  return key.endsWith(CHECKSUM_SUFFIX);
}

/**
 * Returns the address that `destination` means: a full address, a directory (it ends with `/`, and the file's name is
 * appended) or a template with placeholders. `origin` says where it came from, for messages.
 */
export function resolveDestination(destination: string, values: DestinationValues, origin: string): OssUri {
  const bucketAlone = /^oss:\/\/[^/]+$/.test(destination);
  const directory = bucketAlone ? `${destination}/` : destination;
  const template = directory.endsWith('/') ? `${directory}{file}` : directory;
  if (/[{}]/.test(template)) checkUploadTemplate(template, origin);
  return parseOssUri(expandTemplate(template, values, origin), origin);
}

/** Puts the values into a template; throws a ConfigurationError that names the placeholders nobody knows a value for. */
function expandTemplate(template: string, values: DestinationValues, origin: string): string {
  const { prefix, plugin, version, file } = values;
  const known = new Map(Object.entries({ prefix, plugin, version, file }));
  const missing = [...template.matchAll(/\{(\w*)\}/g)].filter(([, name = '']) => known.get(name) === undefined);
  if (missing.length > 0) {
    const names = [...new Set(missing.map(([placeholder]) => placeholder))].join(' and ');
    throw new ConfigurationError(
      'incomplete-destination',
      `${origin}: nothing says what ${names} in '${template}' stands for: a file alone has only its name. ` +
        "Give the input 'package', or a destination without placeholders.",
    );
  }
  return template.replaceAll(/\{(\w*)\}/g, (_, name: string) => known.get(name) ?? '');
}
