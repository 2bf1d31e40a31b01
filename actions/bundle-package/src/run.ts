import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from '@slipway/core/action/action';
import { loadConfiguration } from '@slipway/core/action/configuration';
import { openRegistries, pluginSide } from '@slipway/core/action/registry-access';
import { archiveImage } from '@slipway/core/archive/image-archive';
import { imageArchiveName, packageName } from '@slipway/core/archive/names';
import { assemblePackage, type Package } from '@slipway/core/archive/package';
import { writeContent } from '@slipway/core/archive/write-file';
import type { Configuration } from '@slipway/core/configuration/configuration';
import { ConfigurationError } from '@slipway/core/errors';
import type { Image } from '@slipway/core/image/image';
import { parsePlatform } from '@slipway/core/image/platform';
import { parseReference, type Reference } from '@slipway/core/image/reference';
import type { Plugin } from '@slipway/core/plugin/plugin';
import type { Registries } from '@slipway/core/registry/registries';
import { type Content, contentOf } from '@slipway/core/util/content';
import { mapPooled } from '@slipway/core/util/pool';
import { formatBytes, formatDuration } from '@slipway/core/util/units';
import type { Inputs } from './inputs.ts';
import { readPluginYaml } from './plugin-yaml.ts';

export interface Outputs {
  /** Undefined in a dry run: there is none. */
  readonly package: Package | undefined;
  readonly file: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly plan: Plan;
  readonly changed: boolean;
  readonly [name: string]: unknown;
}

interface Plan {
  readonly file: string;
  readonly size: number;
  readonly archives: readonly { readonly name: string; readonly size: number; readonly digest: string }[];
}

/** Makes the offline package of a plugin: its images, read from the target registry, and its YAML. */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const { plugin } = inputs;
  const configuration = await loadConfiguration(inputs.config, runtime.event, inputs.token);
  const { prefix } = configuration.plugins;
  const images = (inputs.images ?? plugin.images).map((image) => ({ image, reference: parseTarget(image) }));
  const yaml = await readPluginYaml(plugin, images, runtime.event, inputs.token);
  const registries = await openRegistries(
    pluginSide('target', configuration),
    images.map(({ reference }) => reference),
    inputs,
    configuration,
    runtime,
  );
  try {
    const archives = await mapPooled(images, 4, (entry) => planArchive(entry, inputs, registries));
    const content = assemblePackage({ prefix, ...plugin, yaml, archives });
    const file = join(inputs.output, packageName(prefix, plugin));
    const plan = describePlan(file, content, archives, plugin, configuration);
    if (inputs['dry-run']) {
      runtime.log.info(`would write ${file}, ${formatBytes(content.size)}`);
      return report(plan, '', archives, plugin, false, runtime);
    }
    const before = await readStanding(file);
    const started = Date.now();
    const sha256 = await writeContent(file, content);
    const line = `${sha256}  ${packageName(prefix, plugin)}\n`;
    await writeContent(`${file}.sha256`, contentOf(line));
    runtime.log.info(
      `wrote ${file}, ${formatBytes(content.size)} in ${formatDuration(Date.now() - started)}, sha256 ${sha256}`,
    );
    return report(plan, sha256, archives, plugin, before !== line, runtime);
  } finally {
    await registries.close();
  }
}

type Target = Reference & { readonly tag: string };

/** Returns what the check sum beside a package says; undefined when one of the two is missing. */
async function readStanding(file: string): Promise<string | undefined> {
  if (!existsSync(file)) return undefined;
  return readFile(`${file}.sha256`, 'utf8').catch(() => undefined);
}

function parseTarget({ target, result }: Image): Target {
  if (result === 'failed') {
    throw new ConfigurationError(
      'image-failed',
      `${target} could not be synced, so it cannot be packed. Sync it first.`,
    );
  }
  const reference = parseReference(target);
  if (reference.tag !== undefined) return { ...reference, tag: reference.tag };
  throw new ConfigurationError(
    'invalid-images',
    `The image ${target} has no tag; the loaded image would have no name.`,
  );
}

interface PlannedArchive {
  readonly name: string;
  readonly content: Content;
  readonly image: Image;
}

async function planArchive(
  { image, reference }: { readonly image: Image; readonly reference: Target },
  inputs: Inputs,
  registries: Registries,
): Promise<PlannedArchive> {
  const repository = registries.repository(reference);
  const digest = image.digest ?? (await repository.head(reference.tag))?.digest;
  if (digest === undefined) {
    throw new ConfigurationError('image-missing', `${image.target} does not exist. Sync it first, then run again.`);
  }
  const archive = await archiveImage({
    repository,
    digest,
    reference,
    platforms: (inputs.platforms ?? []).map(parsePlatform),
    dockerPlatform: inputs['docker-platform'],
  });
  const { source, target, name } = image;
  return {
    name,
    content: archive.content,
    image: { source, target, name, digest: archive.digest, platforms: archive.platforms },
  };
}

function describePlan(
  file: string,
  { size }: Content,
  archives: readonly PlannedArchive[],
  plugin: Plugin,
  { plugins: { prefix } }: Configuration,
): Plan {
  return {
    file,
    size,
    archives: archives.map(({ name, content, image }) => ({
      name: imageArchiveName(prefix, plugin, name),
      size: content.size,
      digest: image.digest ?? '',
    })),
  };
}

function report(
  plan: Plan,
  sha256: string,
  archives: readonly PlannedArchive[],
  { plugin, version, commit }: Plugin,
  changed: boolean,
  runtime: Runtime,
): Outputs {
  const { file, size } = plan;
  runtime.summary.heading(sha256 === '' ? 'Package that would be made' : 'Package');
  runtime.summary.table(
    ['file', 'size', 'sha256'],
    [
      [`\`${file}\``, formatBytes(size), `\`${sha256}\``],
      ...plan.archives.map(({ name, size: bytes }) => [`\`${name}\``, formatBytes(bytes), '']),
    ],
  );
  const images = archives.map(({ image }) => image);
  const made = sha256 === '' ? undefined : { plugin, version, file, sha256, size, commit, images };
  return { package: made, file, sha256, size, plan, changed };
}
