import validate from '../../generated/configuration.cjs';
import { ConfigurationError } from '../errors.ts';
import { describeViolation, findViolations, type SchemaViolation } from '../util/json-schema.ts';
import type { Position } from '../util/line-index.ts';
import { nearest } from '../util/nearest.ts';
import { childPointer, EmptyYamlError, parseYaml, type YamlDocument, YamlError } from '../util/yaml-document.ts';
import { knownKeysAt } from './known-keys.ts';
import { resolveStorage, type StorageFile, type StorageSettings } from './storage.ts';

/** What a rule's findings weigh; `off` silences it. */
export type RuleLevel = 'error' | 'warning' | 'off';

/** The release side's settings; those without a default are undefined until someone needs them (see `need`). */
export interface PluginSettings {
  /** Directory of the plugins' YAML files, from the root of the repository. */
  readonly directory: string;
  readonly prefix: string;
  /** Registry and namespace engineers push images to. */
  readonly source: string | undefined;
  /** Registry and namespace released images live in. */
  readonly target: string | undefined;
  /** Template of the packages' address in the object store. */
  readonly upload: string | undefined;
  readonly team: string | undefined;
  readonly slots: { readonly shared: readonly string[] };
  readonly rules: Readonly<Record<string, RuleLevel>>;
}

export interface OssSettings {
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly secure: boolean;
}

/** Where one registry's name is really served. */
export interface RegistrySettings {
  readonly endpoint?: string;
  readonly ca?: string;
  readonly 'plain-http'?: boolean;
  readonly 'token-host'?: string;
}

/** A repository's `.github/slipway.yaml` with the defaults filled in. */
export interface Configuration {
  readonly plugins: PluginSettings;
  readonly oss: OssSettings;
  readonly registries: Readonly<Record<string, RegistrySettings>>;
  readonly storage: StorageSettings;
}

/** Where the configuration is, from the root of a repository. */
export const CONFIGURATION_FILE = '.github/slipway.yaml';

/** The shape of the file itself, as `schema/configuration.schema.json` has it. */
interface ConfigurationFile {
  readonly plugins?: Partial<Omit<PluginSettings, 'slots'>> & {
    readonly slots?: { readonly shared?: readonly string[] };
  };
  readonly oss?: Partial<OssSettings>;
  readonly registries?: Readonly<Record<string, RegistrySettings>>;
  readonly storage?: StorageFile;
}

/**
 * Returns the configuration that `source` holds; undefined (no file) gives the defaults, as does a file in which
 * everything is commented out.
 *
 * Throws a ConfigurationError that names file, line and cure. `origin` says where the text came from.
 */
export function parseConfiguration(source: string | undefined, origin: string = CONFIGURATION_FILE): Configuration {
  const file = source === undefined ? {} : readFile(source, origin);
  const { plugins = {}, oss = {}, registries = {}, storage = {} } = file;
  checkUploadTemplate(plugins.upload, `${origin}: plugins.upload`);
  return {
    plugins: {
      directory: plugins.directory ?? 'release-plugins',
      prefix: plugins.prefix ?? '',
      source: plugins.source,
      target: plugins.target,
      upload: plugins.upload,
      team: plugins.team,
      slots: { shared: plugins.slots?.shared ?? [] },
      rules: plugins.rules ?? {},
    },
    oss: { region: oss.region, endpoint: oss.endpoint, secure: oss.secure ?? true },
    registries,
    storage: resolveStorage(storage, origin),
  };
}

function readFile(source: string, origin: string): ConfigurationFile {
  try {
    const document = parseYaml(source);
    const [violation] = findViolations(validate, document.value);
    if (violation === undefined) return document.value as ConfigurationFile;
    const { line, column } = placeOf(violation, document);
    throw new ConfigurationError(
      'invalid-configuration',
      `${origin}:${line}:${column}: ${describeViolation(violation)}. ${cureFor(violation)}` +
        'See schema/configuration.schema.json.',
    );
  } catch (error) {
    if (error instanceof EmptyYamlError) return {};
    if (!(error instanceof YamlError)) throw error;
    const { line, column } = error.position;
    throw new ConfigurationError('invalid-configuration', `${origin}:${line}:${column}: ${error.message}`, {
      cause: error,
    });
  }
}

function placeOf({ keyword, params, instancePath }: SchemaViolation, document: YamlDocument): Position {
  if (keyword !== 'additionalProperties') return document.positionOf(instancePath);
  return document.positionOf(childPointer(instancePath, String(params['additionalProperty'])), 'key');
}

/** Names the key that an unknown one most probably means, else those that are known there; says what a pattern does not. */
function cureFor({ keyword, params, instancePath }: SchemaViolation): string {
  if (instancePath === '/plugins/directory') {
    return 'Write a path from the root of the repository, without . and .. in it: directory: release-plugins. ';
  }
  const known = knownKeysAt(instancePath);
  if (keyword !== 'additionalProperties' || known.length === 0) return '';
  const meant = nearest(String(params['additionalProperty']), known);
  return meant === undefined ? `Known here: ${known.join(', ')}. ` : `Did you mean '${meant}'? `;
}

/**
 * Refuses a template whose addresses could not tell two packages apart; `origin` says where it stands.
 */
export function checkUploadTemplate(template: string | undefined, origin: string): void {
  if (template === undefined) return;
  const unknown = [...template.matchAll(/\{([^}]*)\}/g)].find(
    ([, name = '']) => !['prefix', 'plugin', 'version', 'file'].includes(name),
  );
  if (unknown !== undefined) {
    throw new ConfigurationError(
      'invalid-upload-template',
      `${origin}: '${unknown[0]}' is not known; use {prefix}, {plugin}, {version} and {file}.`,
    );
  }
  const distinct = template.includes('{file}') || (template.includes('{plugin}') && template.includes('{version}'));
  if (!distinct) {
    throw new ConfigurationError(
      'invalid-upload-template',
      `${origin}: '${template}' gives two packages one address. ` +
        'It must hold {file}, or both {plugin} and {version}.',
    );
  }
}

/** Settings that have no default: where one is missing and needed, the error prints the lines to add. */
const EXAMPLES = {
  'plugins.source': ['plugins:', '  source: cargo.example.com/team   # where engineers push images'],
  'plugins.target': ['plugins:', '  target: harbor.example.com/release   # where released images live'],
  'plugins.upload': ['plugins:', '  upload: "oss://<bucket>/plugins/{prefix}{plugin}/{file}"'],
  'plugins.team': ['plugins:', '  team: <organisation>/<team>'],
  'oss.region': ['oss:', '  region: oss-cn-hangzhou   # the region of your bucket'],
  'storage.image': ['storage:', '  image: registry.example.com/package-registry/distribution'],
  'storage.rollout.namespace': ['storage:', '  rollout: { namespace: package-registry }'],
  'storage.rollout.deployment': ['storage:', '  rollout: { deployment: "package-registry-{distribution}-vanilla" }'],
} as const;

type Setting = keyof typeof EXAMPLES;

/** Returns a setting that has no default; throws a ConfigurationError with the lines to add when it is missing. */
export function need(configuration: Configuration, setting: Setting): string {
  return needAll(configuration, [setting])[setting];
}

/**
 * Returns settings that have no default; throws one ConfigurationError for all that are missing, so that nobody has to
 * find them one by one.
 */
export function needAll<S extends Setting>(configuration: Configuration, settings: readonly S[]): Record<S, string> {
  const found = settings.map((setting) => [setting, settingOf(configuration, setting)] as const);
  const missing = found.flatMap(([setting, value]) => (value === undefined ? [setting] : []));
  if (missing.length === 0) return Object.fromEntries(found) as Record<S, string>;
  throw new ConfigurationError(
    'missing-setting',
    `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not configured. ` +
      `Add to ${CONFIGURATION_FILE}:\n\n${linesFor(missing).join('\n')}\n`,
  );
}

function settingOf({ plugins, oss, storage }: Configuration, setting: Setting): string | undefined {
  return {
    'plugins.source': plugins.source,
    'plugins.target': plugins.target,
    'plugins.upload': plugins.upload,
    'plugins.team': plugins.team,
    'oss.region': oss.region,
    'storage.image': storage.image,
    'storage.rollout.namespace': storage.rollout.namespace,
    'storage.rollout.deployment': storage.rollout.deployment,
  }[setting];
}

/** Returns the lines to add, each mapping once. */
function linesFor(settings: readonly Setting[]): string[] {
  const mappings = new Map<string, string[]>();
  for (const setting of settings) {
    const [mapping, line] = EXAMPLES[setting];
    mappings.set(mapping, [...(mappings.get(mapping) ?? []), line]);
  }
  return [...mappings].flatMap(([mapping, lines]) => [mapping, ...lines]);
}
