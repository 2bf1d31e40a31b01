import { asMapping, asText } from './yaml-value.ts';

export type PermissionLevel = 'read' | 'write' | 'none';

/** What a job's token may do, by GitHub's names with dashes; a name that is absent is `none`. */
export type Permissions = Readonly<Record<string, PermissionLevel>>;

/** @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions */
const NAMES = [
  'actions',
  'artifact-metadata',
  'attestations',
  'checks',
  'contents',
  'deployments',
  'discussions',
  'id-token',
  'issues',
  'models',
  'packages',
  'pages',
  'pull-requests',
  'security-events',
  'statuses',
] as const;

const RANK = { none: 0, read: 1, write: 2 } as const;

/** What a token can do where no file says anything: the restricted setting of a repository. */
export const DEFAULT_PERMISSIONS: Permissions = expand({ contents: 'read', packages: 'read' });

/** Reads `permissions:`; undefined where there are none. */
export function readPermissions(value: unknown, place: string): Permissions | undefined {
  if (value === undefined) return undefined;
  if (value === 'read-all') return expand(everything('read'));
  if (value === 'write-all') return expand(everything('write'));
  const given = Object.entries(asMapping(value, place)).map(([name, level]) => {
    const where = `${place}.${name}`;
    if (!NAMES.some((known) => known === name)) throw new Error(`${where} is no permission`);
    const text = asText(level, where);
    if (!isLevel(text)) throw new Error(`${where} is '${text}', but must be read, write or none`);
    if (name === 'id-token' && text === 'read') throw new Error(`${where} is 'read', but must be write or none`);
    return [name, text] as const;
  });
  return expand(Object.fromEntries(given));
}

/** Throws when `wanted` goes beyond what the caller of a workflow grants: a callee can only be narrower. */
export function requireGranted(wanted: Permissions, granted: Permissions, who: string): void {
  const beyond = (permissions: Permissions, other: Permissions): string[] =>
    Object.entries(permissions)
      .filter(([name, level]) => RANK[level] > RANK[other[name] ?? 'none'])
      .map(([name]) => name);
  const names = beyond(wanted, granted);
  if (names.length === 0) return;
  const list = (permissions: Permissions): string =>
    names.map((name) => `${name}: ${permissions[name] ?? 'none'}`).join(', ');
  throw new Error(`${who} is requesting '${list(wanted)}', but is only allowed '${list(granted)}'`);
}

function expand(given: Permissions): Permissions {
  return Object.fromEntries(NAMES.map((name) => [name, given[name] ?? 'none']));
}

function everything(level: 'read' | 'write'): Permissions {
  // An identity token cannot be read, only asked for.
  return Object.fromEntries(NAMES.map((name) => [name, name === 'id-token' && level === 'read' ? 'none' : level]));
}

function isLevel(text: string): text is PermissionLevel {
  return text in RANK;
}
