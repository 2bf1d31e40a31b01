/** What plugins may be called: safe in paths, keys, branches, titles and names of images. */
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export const NAME_RULE =
  'at most 63 lower-case letters, digits and hyphens, with a letter or digit at the beginning and the end';

/** Where a path stands towards the directory of the plugins. */
export type PluginPath =
  /** `<directory>/<plugin>.yaml` */
  | { readonly kind: 'plugin'; readonly plugin: string }
  /** Directly in the directory and meant for a plugin, but with a name that no plugin can have. */
  | { readonly kind: 'misnamed'; readonly name: string }
  /** A YAML file in a sub-directory. */
  | { readonly kind: 'nested' }
  /** In the directory, but no YAML file. */
  | { readonly kind: 'other' }
  | { readonly kind: 'outside' };

/** Returns what `path` is, by its name alone. */
export function classifyPath(path: string, directory: string): PluginPath {
  if (!path.startsWith(`${directory}/`)) return { kind: 'outside' };
  const name = path.slice(directory.length + 1);
  if (!/\.ya?ml$/i.test(name)) return { kind: 'other' };
  if (name.split('/').includes('..')) return { kind: 'misnamed', name };
  if (name.includes('/')) return { kind: 'nested' };
  const plugin = name.slice(0, -'.yaml'.length);
  return name.endsWith('.yaml') && NAME.test(plugin) ? { kind: 'plugin', plugin } : { kind: 'misnamed', name };
}

/** Returns the nearest name that a plugin can have, or undefined when nothing of `name` is left. */
export function toPluginName(name: string): string | undefined {
  const plain = name
    .replace(/\.ya?ml$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
  return NAME.test(plain) ? plain : undefined;
}
