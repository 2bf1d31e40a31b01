import type { RepositoryFiles } from '../github/repository-files.ts';
import type { Log } from '../util/log.ts';
import { isRecord } from '../util/record.ts';
import { parseYaml, YamlError } from '../util/yaml-document.ts';

/**
 * Reads who may approve a release: the logins, in lower case, under `approvers` in the repository's OWNERS file, with the
 * names from OWNERS_ALIASES replaced by their members; undefined when there is no OWNERS file.
 *
 * https://www.kubernetes.dev/docs/guide/owners/
 */
export async function readOwners(files: RepositoryFiles, log: Log): Promise<readonly string[] | undefined> {
  const owners = await readYaml(files, 'OWNERS', log);
  if (owners === undefined) return undefined;
  const approvers = logins(owners['approvers']);
  const aliases = (await readYaml(files, 'OWNERS_ALIASES', log))?.['aliases'];
  const members = new Map(
    Object.entries(isRecord(aliases) ? aliases : {}).map(([alias, names]) => [alias.toLowerCase(), logins(names)]),
  );
  return [...new Set(approvers.flatMap((name) => members.get(name) ?? [name]))];
}

async function readYaml(files: RepositoryFiles, path: string, log: Log): Promise<Record<string, unknown> | undefined> {
  const bytes = await files.find(path);
  if (bytes === undefined) return undefined;
  try {
    const { value } = parseYaml(bytes.toString('utf8'));
    if (isRecord(value)) return value;
    log.warning(`${path} is no mapping and is not used.`);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    log.warning(`${path}:${error.position.line}: ${error.message}; the file is not used.`);
  }
  return undefined;
}

function logins(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((name) => (typeof name === 'string' ? [name.toLowerCase()] : [])) : [];
}
