/**
 * Returns the name of an image archive, `<prefix><plugin>-<image>-<version>-image.tar.gz`. The version is always the
 * plugin's, whatever the image's own tag is.
 */
export function imageArchiveName(
  prefix: string,
  { plugin, version }: { readonly plugin: string; readonly version: string },
  image: string,
): string {
  return `${prefix}${plugin}-${image}-${version}-image.tar.gz`;
}

/** Returns the name of a package, `<prefix><plugin>-<version>.tar.gz`. */
export function packageName(
  prefix: string,
  { plugin, version }: { readonly plugin: string; readonly version: string },
): string {
  return `${prefix}${plugin}-${version}.tar.gz`;
}

/** Returns the name of the plugin's YAML inside its package. */
export function packagedYamlName(prefix: string, plugin: string): string {
  return `${prefix}${plugin}.yaml`;
}
