import validate from '../../generated/exchange-package.cjs';
import { ConfigurationError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { type Content, contentOf, sha256 } from '../util/content.ts';
import { describeViolation, findViolations } from '../util/json-schema.ts';
import { imageArchiveName, packagedYamlName } from './names.ts';
import { storedGzip } from './stored-gzip.ts';
import { tar } from './tar.ts';

/** An offline installation package; `schema/exchange/package.schema.json`. */
export interface Package {
  readonly plugin: string;
  readonly version: string;
  /** Path on the machine that made it. */
  readonly file: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** `oss://<bucket>/<key>`, once it is uploaded. */
  readonly uri?: string;
  readonly commit: string;
  readonly images: readonly Image[];
}

/** Returns `value` as a package, or throws a ConfigurationError that names `origin` and the first thing that is wrong. */
export function parsePackage(value: unknown, origin: string): Package {
  const [violation] = findViolations(validate, value);
  if (violation !== undefined) {
    throw new ConfigurationError('invalid-package', `${origin}: ${describeViolation(violation)}`);
  }
  return value as Package;
}

export interface PackageContents {
  readonly prefix: string;
  readonly plugin: string;
  readonly version: string;
  readonly yaml: Buffer;
  /** `name` as `Image.name`. */
  readonly archives: readonly { readonly name: string; readonly content: Content; readonly composition: string }[];
}

/** A package before it is made. */
export interface PackageContent extends Content {
  /**
   * SHA-256 of what the bytes follow from: equal ones mean equal packages. It is known before any blob is read, which the
   * package's own SHA-256 is not.
   */
  readonly composition: string;
}

/** To be counted up when the bytes that follow from the same images become others. */
const FORMAT = 1;

/**
 * Returns a package as a stream whose size is known: the image archives, sorted by name, then the YAML.
 *
 * Nothing is written to disk on the way: blobs flow from the registry through two tars and two gzip framings to wherever
 * the package goes. Throws a ConfigurationError when two images would have one archive name.
 */
export function assemblePackage({ prefix, plugin, version, yaml, archives }: PackageContents): PackageContent {
  const files = archives
    .map((archive) => ({ ...archive, name: imageArchiveName(prefix, { plugin, version }, archive.name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const twice = files.find(({ name }, index) => files[index + 1]?.name === name);
  if (twice !== undefined) {
    throw new ConfigurationError(
      'archive-name',
      `Two images of ${plugin} would both be called ${twice.name} in the package. Rename one of their repositories.`,
    );
  }
  const yamlName = packagedYamlName(prefix, plugin);
  const parts = [...files.map(({ name, composition }) => [name, composition]), [yamlName, sha256(yaml)]];
  const content = storedGzip(tar([...files, { name: yamlName, content: contentOf(yaml) }]));
  return { ...content, composition: sha256(JSON.stringify([FORMAT, parts])) };
}
