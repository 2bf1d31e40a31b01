import { basename } from 'node:path';
import { packageName } from '@slipway/core/archive/names';
import type { Package } from '@slipway/core/archive/package';
import { type Configuration, need } from '@slipway/core/configuration/configuration';
import { formatOssUri, resolveDestination } from '@slipway/core/object-store/uri';
import { isPackageOf } from '@slipway/core/pull-request/binding';
import type { ReleaseRecord } from '@slipway/core/pull-request/release-record';

/** Says why a package is not one of a release's, made of what is bound and uploaded to where it belongs; undefined when it is. */
export function complainAboutPackage(
  item: Package,
  { plugins }: Pick<ReleaseRecord, 'plugins'>,
  configuration: Configuration,
): string | undefined {
  const name = `The package of ${item.plugin} ${item.version}`;
  const plugin = plugins.find((candidate) => candidate.plugin === item.plugin);
  if (plugin === undefined) return `${name} belongs to no plugin of this release.`;
  if (!isPackageOf(item, plugin)) return `${name} was not made of the version, commit and images that are bound.`;
  const { prefix } = configuration.plugins;
  const file = packageName(prefix, plugin);
  if (basename(item.file) !== file) return `${name} is called ${basename(item.file)}, not ${file}.`;
  const values = { prefix, plugin: plugin.plugin, version: plugin.version, file };
  const uri = formatOssUri(resolveDestination(need(configuration, 'plugins.upload'), values, 'plugins.upload'));
  if (item.uri === uri) return undefined;
  return item.uri === undefined ? `${name} is not uploaded.` : `${name} is at ${item.uri}, not at ${uri}.`;
}
