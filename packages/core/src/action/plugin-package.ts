import type { Configuration } from '../configuration/configuration.ts';
import { parseImages } from '../image/image.ts';
import { parsePlatform } from '../image/platform.ts';
import { readPluginYaml } from '../plugin/packaged-yaml.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { locateImages, type PluginPackage, planPackage } from '../plugin/plugin-package.ts';
import { openSpool } from '../registry/spool.ts';
import type { Runtime } from './action.ts';
import { type InputsOf, json, list, optional } from './inputs.ts';
import { openRegistries, pluginSide, TARGET_INPUTS } from './registry-access.ts';

/** The inputs of an action that makes a package, besides the plugin. */
export const PACKAGE_INPUTS = {
  ...TARGET_INPUTS,
  images: optional(json(parseImages)),
  platforms: optional(list),
  'docker-platform': optional(parsePlatform),
} as const;

/**
 * Does `work` with the package of a plugin, whose blobs come from what earlier steps have kept in the work directory, else
 * from the target registry, while the package is read.
 */
export async function withPluginPackage<T>(
  plugin: Plugin,
  inputs: InputsOf<typeof PACKAGE_INPUTS> & { readonly token: string | undefined },
  configuration: Configuration,
  runtime: Runtime,
  work: (made: PluginPackage) => Promise<T>,
): Promise<T> {
  const images = locateImages(inputs.images ?? plugin.images);
  const yaml = await readPluginYaml(plugin, images, runtime.event, inputs.token);
  const registries = await openRegistries(
    pluginSide('target', configuration),
    images.map(({ reference }) => reference),
    inputs,
    configuration,
    runtime,
  );
  try {
    const made = await planPackage(plugin, {
      prefix: configuration.plugins.prefix,
      yaml,
      images,
      registries,
      spool: await openSpool('auto', runtime.workDirectory, runtime.log),
      platforms: (inputs.platforms ?? []).map(parsePlatform),
      dockerPlatform: inputs['docker-platform'],
      log: runtime.log,
    });
    return await work(made);
  } finally {
    await registries.close();
  }
}
