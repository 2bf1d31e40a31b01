import type { Kind } from './objects.ts';

/** One kind of object that the API serves. */
export interface Resource {
  readonly plural: string;
  readonly kind: Kind;
  readonly shortNames: readonly string[];
  readonly group: '' | 'apps';
  readonly verbs: readonly string[];
}

const READ = ['get', 'list', 'watch'];

export const RESOURCES: readonly Resource[] = [
  { plural: 'pods', kind: 'Pod', shortNames: ['po'], group: '', verbs: READ },
  { plural: 'events', kind: 'Event', shortNames: ['ev'], group: '', verbs: READ },
  { plural: 'deployments', kind: 'Deployment', shortNames: ['deploy'], group: 'apps', verbs: [...READ, 'patch'] },
  { plural: 'replicasets', kind: 'ReplicaSet', shortNames: ['rs'], group: 'apps', verbs: READ },
];

const APPS = { groupVersion: 'apps/v1', version: 'v1' };

/**
 * Answers what the server can do; undefined for any other path.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#unaggregated-discovery
 */
export function discover(path: string): object | undefined {
  switch (path) {
    case '/version':
      return { major: '1', minor: '30', gitVersion: 'v1.30.0-sandbox', platform: 'linux/amd64' };
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    case '/apis':
      return {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: [{ name: 'apps', versions: [APPS], preferredVersion: APPS }],
      };
    case '/api/v1':
      return listResources('', 'v1');
    case '/apis/apps/v1':
      return listResources('apps', 'apps/v1');
    default:
      return undefined;
  }
}

function listResources(group: Resource['group'], groupVersion: string): object {
  const resources = RESOURCES.filter((resource) => resource.group === group).map(
    ({ plural, kind, shortNames, verbs }) => ({
      name: plural,
      singularName: kind.toLowerCase(),
      namespaced: true,
      kind,
      verbs,
      shortNames,
    }),
  );
  const log = { name: 'pods/log', singularName: '', namespaced: true, kind: 'Pod', verbs: ['get'] };
  return { kind: 'APIResourceList', groupVersion, resources: group === '' ? [...resources, log] : resources };
}
