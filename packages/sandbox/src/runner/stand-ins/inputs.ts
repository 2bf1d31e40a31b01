/**
 * The actions of others that are played here, with the inputs that their stand-ins can do something with, and the
 * defaults of those.
 *
 * @see https://github.com/actions/checkout/blob/main/action.yml
 * @see https://github.com/actions/upload-artifact/blob/main/action.yml
 * @see https://github.com/actions/download-artifact/blob/main/action.yml
 */
export const STAND_IN_INPUTS = {
  'actions/checkout': {
    repository: '${{ github.repository }}',
    ref: '',
    token: '${{ github.token }}',
    path: '',
    'persist-credentials': 'true',
    'fetch-depth': '1',
  },
  'actions/upload-artifact': {
    name: 'artifact',
    path: '',
    'if-no-files-found': 'warn',
    'compression-level': '6',
    overwrite: 'false',
  },
  'actions/download-artifact': { name: '', pattern: '', path: '', 'merge-multiple': 'false' },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

export type StandInName = keyof typeof STAND_IN_INPUTS;

/** Returns the stand-in for `owner/name`, whatever its case. */
export function findStandIn(repository: string): StandInName | undefined {
  const name = repository.toLowerCase();
  return isStandIn(name) ? name : undefined;
}

function isStandIn(name: string): name is StandInName {
  return Object.hasOwn(STAND_IN_INPUTS, name);
}
