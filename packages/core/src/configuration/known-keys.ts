const REGISTRY = ['endpoint', 'ca', 'plain-http', 'token-host'];
const DISTRIBUTION = [
  'frozen',
  'upstream',
  'add',
  'overwrite',
  'removal',
  'registry',
  'stack',
  'tag',
  'url',
  'cache',
  'layers',
  'compression',
];

/**
 * The keys that `schema/configuration.schema.json` knows, by the JSON pointer of the mapping they belong to; `*` is any
 * name.
 *
 * Kept here too, because the compiled validator does not give its schema away; a test holds the two equal.
 */
const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': ['plugins', 'oss', 'registries', 'storage'],
  '/plugins': ['directory', 'prefix', 'source', 'target', 'upload', 'team', 'slots', 'rules'],
  '/plugins/slots': ['shared'],
  '/oss': ['region', 'endpoint', 'secure'],
  '/registries/*': REGISTRY,
  '/storage': ['repository', 'image', 'distributions', 'rollout'],
  '/storage/distributions/*': DISTRIBUTION,
  '/storage/rollout': ['namespace', 'deployment'],
};

/** Returns the keys that the mapping at a JSON pointer may have; none where they can have any name. */
export function knownKeysAt(pointer: string): readonly string[] {
  return KNOWN_KEYS[pointer.replace(/^(\/registries|\/storage\/distributions)\/[^/]+$/, '$1/*')] ?? [];
}
