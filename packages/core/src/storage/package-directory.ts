import { packagedYamlName, packageName } from '../archive/names.ts';
import type { Package } from '../archive/package.ts';
import { ConfigurationError } from '../errors.ts';
import { parseYaml, YamlError } from '../util/yaml-document.ts';
import { isPackageName, isStrictVersion, type PackageVersion } from './package-version.ts';
import type { NewFile } from './tree-edit.ts';

/** A released plugin, and what is needed to describe it. */
export interface Release {
  readonly package: Package;
  readonly prefix: string;
  /** The plugin's YAML as it was released. */
  readonly yaml: Buffer;
  /** `owner/name` of the repository it was released from. */
  readonly repository: string;
}

/** A package version with its files, whose paths begin in its directory. */
export interface PackageDirectory extends PackageVersion {
  /** What was released. */
  readonly owner: PackageOwner;
  readonly files: readonly NewFile[];
}

/** Whose a package is: plugins of different repositories may well have one name. */
export interface PackageOwner {
  readonly plugin: string;
  /** `owner/name` of the repository it was released from. */
  readonly repository: string;
}

/** Says what was released; other packages have none. */
export const RELEASE_RECORD = 'release.json';

/** What a registry of packages shows of a plugin. */
interface Description {
  readonly title: string;
  readonly description: string;
  readonly note: string;
  readonly author: string;
}

/**
 * Returns the directory as which an Elastic package registry serves a released plugin. The same release gives the same
 * bytes, so it can be told from another one by its tree id.
 *
 * Names of packages hold `_` where plugins have `-`, and versions have no `v`: registries skip such directories. They also
 * refuse directories with a `-` in their name inside of a package, so there is none.
 */
export function layOutPackage({ package: released, prefix, yaml, repository }: Release): PackageDirectory {
  const { plugin } = released;
  const name = plugin.replaceAll('-', '_');
  const version = released.version.replace(/^v/, '');
  if (!isPackageName(name) || !isStrictVersion(version)) {
    throw new ConfigurationError(
      'invalid-package',
      `${plugin} ${released.version} cannot be registered: '${name}' with the version '${version}' is no package version.`,
    );
  }
  const description = readDescription(yaml, released);
  const record = releaseRecord(released, prefix, repository);
  const text = (path: string, content: string): NewFile => ({ path, bytes: Buffer.from(content) });
  return {
    name,
    version,
    owner: { plugin, repository },
    files: [
      text('manifest.yml', formatManifest({ name, version }, description, repository)),
      text('docs/README.md', formatReadme(released, description, record)),
      { path: packagedYamlName(prefix, plugin), bytes: yaml },
      text(RELEASE_RECORD, `${JSON.stringify(record, undefined, 2)}\n`),
    ],
  };
}

/** Returns whose release a release record is about; undefined when it is no such record. */
export function ownerIn(record: Buffer): PackageOwner | undefined {
  try {
    const value: unknown = JSON.parse(record.toString('utf8'));
    const [plugin, repository] = [field(value, 'plugin'), field(value, 'repository')];
    return typeof plugin === 'string' && typeof repository === 'string' ? { plugin, repository } : undefined;
  } catch {
    return undefined;
  }
}

function readDescription(yaml: Buffer, { plugin, version }: Package): Description {
  const spec = field(parse(yaml, plugin), 'spec');
  const metadata = field(parse(yaml, plugin), 'metadata');
  const said = textOf(field(spec, 'version'));
  if (said !== version) {
    throw new ConfigurationError(
      'plugin-changed',
      `The YAML of ${plugin} says version '${said}', but ${version} was released. Release it again.`,
    );
  }
  return {
    title: textOf(field(metadata, 'alias')) || plugin,
    // Registries refuse a package without one.
    description: textOf(field(spec, 'description')) || `The plugin ${plugin}.`,
    note: textOf(field(spec, 'note')),
    author: textOf(field(spec, 'author')),
  };
}

function parse(yaml: Buffer, plugin: string): unknown {
  try {
    return parseYaml(yaml.toString('utf8')).value;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const { line, column } = error.position;
    throw new ConfigurationError('invalid-plugin', `The YAML of ${plugin}, ${line}:${column}: ${error.message}.`, {
      cause: error,
    });
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** An alias may be given by language; the first one will do. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll(/\s+/g, ' ').trim();
  if (typeof value !== 'object' || value === null) return '';
  return (
    Object.values(value)
      .map(textOf)
      .find((text) => text !== '') ?? ''
  );
}

/**
 * Returns a manifest with the fields that registries from v0.6 on ask for; texts are quoted as JSON, which is YAML too.
 *
 * https://github.com/elastic/package-spec/blob/main/spec/integration/manifest.spec.yml
 */
function formatManifest({ name, version }: PackageVersion, description: Description, repository: string): string {
  return [
    'format_version: 1.0.0',
    `name: ${quote(name)}`,
    `title: ${quote(description.title)}`,
    `version: ${quote(version)}`,
    `description: ${quote(description.description)}`,
    'type: integration',
    `release: ${version.includes('-') || version.startsWith('0.') ? 'beta' : 'ga'}`,
    'license: basic',
    'categories: ["custom"]',
    'owner:',
    `  github: ${quote(repository)}`,
    '',
  ].join('\n');
}

/** Returns a text as JSON in which everything is escaped that YAML does not take as it is: `null` names a package, too. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What was released, and how it can be verified. */
interface ReleaseRecord {
  readonly plugin: string;
  readonly version: string;
  readonly repository: string;
  readonly commit: string;
  readonly package: { readonly file: string; readonly uri: string; readonly sha256: string; readonly size: number };
  readonly images: readonly {
    readonly image: string;
    readonly digest: string;
    readonly platforms: readonly string[];
  }[];
}

function releaseRecord(released: Package, prefix: string, repository: string): ReleaseRecord {
  const { plugin, version, commit, uri, sha256, size } = released;
  if (uri === undefined) {
    throw new ConfigurationError(
      'not-uploaded',
      `The package of ${plugin} ${version} has no \`uri\`: upload it first.`,
    );
  }
  const images = released.images.map(({ target, digest, platforms = [] }) => {
    if (digest !== undefined) return { image: target, digest, platforms };
    throw new ConfigurationError(
      'no-digest',
      `The image ${target} of ${plugin} has no digest: sync and bundle it first.`,
    );
  });
  const file = packageName(prefix, { plugin, version });
  return { plugin, version, repository, commit, package: { file, uri, sha256, size }, images };
}

function formatReadme({ plugin, version }: Package, description: Description, record: ReleaseRecord): string {
  const { title, note, author } = description;
  const { file, uri, sha256, size } = record.package;
  const paragraphs = [title === plugin ? '' : `\`${plugin}\``, inline(description.description), inline(note)];
  const rows = [
    ['version', version],
    ...(author === '' ? [] : [['author', inline(author)]]),
    ['package', `\`${file}\`, ${size} bytes`],
    ['from', `\`${uri}\``],
    ['sha256', `\`${sha256}\``],
    ...record.images.map(({ image, digest }) => ['image', `\`${image}\` \`${digest}\``]),
  ];
  return [
    `# ${inline(title)}\n`,
    ...paragraphs.filter((paragraph) => paragraph !== '').map((paragraph) => `${paragraph}\n`),
    `| | |\n| --- | --- |\n${rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}`,
    `\`release.json\` says the same for programs.\n`,
  ].join('\n');
}

/** Returns a text as Markdown shows it: no HTML, no cells of its own. */
function inline(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('|', '\\|');
}
