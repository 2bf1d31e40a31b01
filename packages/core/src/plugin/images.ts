import { type Configuration, needAll } from '../configuration/configuration.ts';
import { ConfigurationError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { parseReference } from '../image/reference.ts';
import { quote } from './quote.ts';
import { type Draft, positionIn } from './rule.ts';
import type { JudgedFile, Subject } from './subject.ts';
import { isVersion } from './version.ts';

/** Returns the repository of a plugin's released image, `<target>/<prefix><plugin>`. */
export function releasedName(configuration: Configuration, plugin: string): string {
  const { target, prefix } = readNaming(configuration);
  return `${target}/${prefix}${plugin}`;
}

/** Returns what `spec.service.image` has to be, `<target>/<prefix><plugin>:<version>`. */
function releasedReference(configuration: Configuration, plugin: string, version: string): string {
  return `${releasedName(configuration, plugin)}:${version}`;
}

/** A plugin that the change releases and that can be described: it has a name, a version and an image. */
export interface Release {
  readonly file: JudgedFile;
  readonly plugin: string;
  readonly version: string;
  /** `spec.service.image`. */
  readonly image: string;
}

/** Which images belong to which release, and what is wrong with the list. */
export interface ImageAssignment {
  /** By plugin; a plugin whose images cannot all be told is left out. */
  readonly images: ReadonlyMap<string, readonly Image[]>;
  readonly drafts: readonly Draft[];
}

/** Returns what the change releases, in the files' order. */
export function listReleases({ files }: Pick<Subject, 'files'>): Release[] {
  return files.flatMap((file) => {
    const { plugin, spec } = file;
    if (!file.released || plugin === undefined || !spec.image?.value) return [];
    if (spec.version === undefined || !isVersion(spec.version.value)) return [];
    return [{ file, plugin, version: spec.version.value, image: spec.image.value }];
  });
}

/**
 * Finds the images of every release: those that the pushed references list, else the one of `spec.service.image`.
 *
 * `<source>/<prefix><plugin>[-<part>]:<tag>` goes to `<target>/<same name>:<tag>`. A name belongs to the plugin with the
 * longest matching name among all plugins of the repository: `log-viewer-web` is a part of `log-viewer` until there is
 * a plugin `log-viewer-web`.
 */
export function assignImages(subject: Subject): ImageAssignment {
  const references = subject.images ?? [];
  const releases = listReleases(subject);
  if (references.length === 0 && releases.length === 0) return { images: new Map(), drafts: [] };
  const naming = readNaming(subject.configuration);
  const plugins = subject.files.flatMap(({ plugin }) => plugin ?? []).sort((a, b) => b.length - a.length);
  const listed = new Map<string, Image[]>(releases.map(({ plugin }) => [plugin, []]));
  const broken = new Set<string>();
  const drafts: Draft[] = [];

  for (const { reference, line } of references) {
    const outcome = placeReference(reference, naming, plugins, listed);
    if (!('message' in outcome)) continue;
    if (outcome.plugin !== undefined) broken.add(outcome.plugin);
    drafts.push({ file: '', position: { line, column: 1 }, message: outcome.message, fix: outcome.fix });
  }

  const images = new Map<string, readonly Image[]>();
  for (const release of releases) {
    if (isRefused(release, subject.configuration)) continue;
    const ofPlugin = listed.get(release.plugin) ?? [];
    const main = mapBack(release, naming, plugins);
    const complaint = complainAboutMain(release, main, ofPlugin, subject.configuration);
    if (complaint !== undefined) drafts.push(complaint);
    else if (main !== undefined && !broken.has(release.plugin)) images.set(release.plugin, arrange(main, ofPlugin));
  }
  return { images, drafts };
}

/** The parts of names that the configuration fixes. */
interface Naming {
  readonly source: string;
  readonly target: string;
  readonly prefix: string;
}

function readNaming(configuration: Configuration): Naming {
  const settings = needAll(configuration, ['plugins.source', 'plugins.target']);
  return {
    source: settings['plugins.source'],
    target: settings['plugins.target'],
    prefix: configuration.plugins.prefix,
  };
}

interface Complaint {
  readonly message: string;
  readonly fix: string;
  /** The plugin that cannot be released while this stands. */
  readonly plugin?: string;
}

/** Adds the image that `reference` names to its plugin's list, or says why it has no place there. */
function placeReference(
  reference: string,
  naming: Naming,
  plugins: readonly string[],
  listed: ReadonlyMap<string, Image[]>,
): Complaint | Image {
  const form = `${naming.source}/${naming.prefix}<plugin>[-<part>]:<tag>`;
  const parsed = tryParse(reference);
  if (parsed instanceof ConfigurationError) return { message: parsed.message, fix: `Write it as ${form}.` };
  const { repository, tag } = parsed;
  const local = repository.startsWith(`${naming.source}/${naming.prefix}`)
    ? repository.slice(naming.source.length + 1)
    : undefined;
  if (local === undefined || local.includes('/')) {
    return {
      message: `${quote(reference)} is not one of the images that are released from ${naming.source}.`,
      fix: `Push it as ${form} and list that, or take it off the list.`,
    };
  }
  const name = local.slice(naming.prefix.length);
  const plugin = ownerOf(name, plugins);
  if (plugin === undefined) {
    return {
      message: `${quote(reference)} belongs to no plugin: there is none that '${name}' begins with.`,
      fix: `Correct the name, ${form}, or take it off the list.`,
    };
  }
  const images = listed.get(plugin);
  if (images === undefined) {
    return {
      message: `${quote(reference)} belongs to the plugin ${plugin}, which this change does not release.`,
      fix: `Take it off the list, or change ${plugin}.yaml too.`,
    };
  }
  if (tag === undefined) {
    return { plugin, message: `${quote(reference)} has no tag.`, fix: `Add the tag: ${form}.` };
  }
  const image = { source: reference, target: `${naming.target}/${local}:${tag}`, name };
  const twin = images.find((other) => other.name === name);
  if (twin === undefined) images.push(image);
  else if (twin.source !== reference) {
    return {
      plugin,
      message:
        `${quote(reference)} and ${quote(twin.source)} would both be archived as ` +
        `${naming.prefix}${plugin}-${name}-<version>-image.tar.gz.`,
      fix: 'List only one of the two.',
    };
  }
  return image;
}

function tryParse(text: string): { repository: string; tag: string | undefined } | ConfigurationError {
  try {
    const { registry, repository, tag } = parseReference(text);
    return { repository: `${registry}/${repository}`, tag };
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
}

/** Returns the plugin with the longest name that `name` is or begins with; `plugins` are sorted, longest first. */
function ownerOf(name: string, plugins: readonly string[]): string | undefined {
  return plugins.find((plugin) => name === plugin || name.startsWith(`${plugin}-`));
}

/** Returns the image that `spec.service.image` is the target of; undefined when it cannot be one of the plugin's. */
function mapBack({ plugin, image }: Release, naming: Naming, plugins: readonly string[]): Image | undefined {
  if (!image.startsWith(`${naming.target}/${naming.prefix}`)) return undefined;
  const local = image.slice(naming.target.length + 1);
  const parsed = tryParse(`${naming.source}/${local}`);
  if (parsed instanceof ConfigurationError || parsed.tag === undefined || local.includes('/')) return undefined;
  const name = parsed.repository.slice(naming.source.length + 1 + naming.prefix.length);
  return ownerOf(name, plugins) === plugin ? { source: `${naming.source}/${local}`, target: image, name } : undefined;
}

/** Says whether the rule image-reference reports the image as an error: then there is nothing to add to that. */
function isRefused({ plugin, version, image }: Release, configuration: Configuration): boolean {
  const level = configuration.plugins.rules['image-reference'] ?? 'error';
  return level === 'error' && image !== releasedReference(configuration, plugin, version);
}

function complainAboutMain(
  { file, plugin, version, image }: Release,
  main: Image | undefined,
  listed: readonly Image[],
  configuration: Configuration,
): Draft | undefined {
  const pointer = file.spec.image?.pointer ?? '';
  const position = positionIn(file, pointer);
  if (main === undefined) {
    return {
      file: file.path,
      position,
      message: `spec.service.image is ${quote(image)}, to which none of this plugin's images can be released.`,
      fix: `Write: image: ${releasedReference(configuration, plugin, version)}`,
    };
  }
  if (listed.length === 0 || listed.some(({ target }) => target === main.target)) return undefined;
  return {
    file: file.path,
    position,
    message: `The list of pushed images holds images of ${plugin}, but not the one of spec.service.image, ${quote(image)}.`,
    fix: `Push it and add the line: ${main.source}`,
  };
}

/** Puts the service's image first and the others in the order of their names. */
function arrange(main: Image, listed: readonly Image[]): Image[] {
  const service = listed.find(({ target }) => target === main.target) ?? main;
  const others = listed.filter((image) => image !== service);
  return [service, ...others.sort((a, b) => (a.name < b.name ? -1 : 1))];
}
