import type { RepositoryFiles } from '../github/repository-files.ts';
import type { Log } from '../util/log.ts';
import { isRecord } from '../util/record.ts';
import { parseYaml, YamlError } from '../util/yaml-document.ts';

/** Who may approve a release. */
export interface Owners {
  /** Logins, in lower case. */
  readonly approvers: readonly string[];
  /** Why nobody is known, where a file is there that cannot be read. */
  readonly problem?: string;
}

/**
 * Reads who may approve a release: the logins, in lower case, under `approvers` in the repository's OWNERS file, with the
 * names from OWNERS_ALIASES replaced by their members; undefined when there is no OWNERS file.
 *
 * A file that is there and cannot be read makes nobody an approver: neither everybody who may write, who are approvers
 * where there is no file, nor a stranger whose login happens to be the name of an alias.
 * https://www.kubernetes.dev/docs/guide/owners/
 */
export async function readOwners(files: RepositoryFiles, log: Log): Promise<Owners | undefined> {
  const [owners, aliased] = [await readYaml(files, 'OWNERS'), await readYaml(files, 'OWNERS_ALIASES')];
  if (owners === undefined) return undefined;
  const problem = typeof owners === 'string' ? owners : typeof aliased === 'string' ? aliased : undefined;
  if (problem !== undefined) log.warning(`${problem}; nobody in OWNERS may approve.`);
  if (typeof owners === 'string' || typeof aliased === 'string') {
    return { approvers: [], ...(problem !== undefined && { problem }) };
  }
  const approvers = logins(owners['approvers']);
  const aliases = aliased?.['aliases'];
  const members = new Map(
    Object.entries(isRecord(aliases) ? aliases : {}).map(([alias, names]) => [alias.toLowerCase(), logins(names)]),
  );
  return { approvers: [...new Set(approvers.flatMap((name) => members.get(name) ?? [name]))] };
}

/** Returns what a file holds; a text says why that cannot be known, undefined that there is none. */
async function readYaml(files: RepositoryFiles, path: string): Promise<Record<string, unknown> | string | undefined> {
  const bytes = await files.find(path);
  if (bytes === undefined) return undefined;
  try {
    const { value } = parseYaml(bytes.toString('utf8'));
    if (isRecord(value)) return value;
    return `${path} is no mapping`;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return `${path}:${error.position.line}: ${error.message}`;
  }
}

function logins(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((name) => (typeof name === 'string' ? [name.toLowerCase()] : [])) : [];
}
