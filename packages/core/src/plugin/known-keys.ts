const ALIAS = ['zh', 'en'];
const RESOURCES = ['cpu', 'memory', 'ephemeral-storage'];

/**
 * The keys that `schema/plugin.schema.json` knows, by the path of the mapping they belong to.
 *
 * Kept here too, because the compiled validator does not give its schema away; a test holds the two equal.
 */
export const KNOWN_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['', ['metadata', 'spec']],
  ['metadata', ['name', 'alias']],
  ['metadata.alias', ALIAS],
  ['spec', ['class', 'version', 'compassRequirement', 'description', 'note', 'author', 'service', 'modules']],
  ['spec.service', ['port', 'image', 'configs', 'security', 'resources']],
  ['spec.service.configs', ['envs', 'files']],
  ['spec.service.configs.envs[]', ['name', 'value', 'description']],
  ['spec.service.security', ['privileged', 'clusterAccessible', 'apiAccessible']],
  ['spec.service.resources', ['limits', 'requests']],
  ['spec.service.resources.limits', RESOURCES],
  ['spec.service.resources.requests', RESOURCES],
  ['spec.modules[]', ['name', 'alias', 'icon', 'sources', 'slots']],
  ['spec.modules[].alias', ALIAS],
]);
