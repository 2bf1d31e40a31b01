import { ActionError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';
import type { FileMode, RepositoryFile } from './repository-files.ts';

/**
 * Lists the files below a directory at one commit, sorted by path; none when there is no such directory.
 *
 * Only the trees on the way are read one by one, so the size of the rest of the repository does not matter. A listing
 * that GitHub cuts is read again, tree by tree. https://docs.github.com/rest/git/trees#get-a-tree
 */
export async function listTree(
  github: GitHub,
  repository: string,
  commit: string,
  directory: string,
): Promise<readonly RepositoryFile[]> {
  const entry = await findEntry(github, repository, commit, directory);
  if (entry?.mode !== TREE) return [];
  const files = await listBelow(github, repository, entry.id, directory);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Finds one file at a commit; undefined when there is none at `path`, or a directory. Symlinks are not followed. */
export async function findFile(
  github: GitHub,
  repository: string,
  commit: string,
  path: string,
): Promise<RepositoryFile | undefined> {
  const entry = await findEntry(github, repository, commit, path);
  return entry !== undefined && isFileMode(entry.mode)
    ? { path, mode: entry.mode, size: entry.size, id: entry.id }
    : undefined;
}

async function findEntry(
  github: GitHub,
  repository: string,
  commit: string,
  path: string,
): Promise<TreeEntry | undefined> {
  let entry: TreeEntry = { path: '', mode: TREE, id: commit, size: 0 };
  for (const name of path.split('/')) {
    if (entry.mode !== TREE) return undefined;
    const { entries } = await readTree(github, repository, entry.id, 'flat');
    const found = entries.find((candidate) => candidate.path === name);
    if (found === undefined) return undefined;
    entry = found;
  }
  return entry;
}

const TREE = '040000';
const FILE_MODES: readonly string[] = ['100644', '100755', '120000', '160000'] satisfies FileMode[];

interface TreeEntry {
  readonly path: string;
  readonly mode: string;
  readonly id: string;
  readonly size: number;
}

/** Lists the files of a tree and those below it; `path` is where it stands. */
export async function listBelow(
  github: GitHub,
  repository: string,
  tree: string,
  path: string,
): Promise<RepositoryFile[]> {
  const whole = await readTree(github, repository, tree, 'recursive');
  if (!whole.isCut) return whole.entries.flatMap((entry) => asFile(entry, path));
  const level = await readTree(github, repository, tree, 'flat');
  if (level.isCut) {
    throw new ActionError('directory-too-large', `${path} has more entries than GitHub lists. Move files out of it.`);
  }
  const files = level.entries.flatMap((entry) => asFile(entry, path));
  for (const entry of level.entries) {
    if (entry.mode === TREE) files.push(...(await listBelow(github, repository, entry.id, `${path}/${entry.path}`)));
  }
  return files;
}

function asFile({ path, mode, id, size }: TreeEntry, directory: string): RepositoryFile[] {
  return isFileMode(mode) ? [{ path: `${directory}/${path}`, mode, size, id }] : [];
}

function isFileMode(mode: string): mode is FileMode {
  return FILE_MODES.includes(mode);
}

async function readTree(
  github: GitHub,
  repository: string,
  tree: string,
  depth: 'flat' | 'recursive',
): Promise<{ entries: readonly TreeEntry[]; isCut: boolean }> {
  const purpose = { what: `the files of ${repository} at ${tree}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), tree_sha: tree, ...(depth === 'recursive' && { recursive: 1 }) };
  const answer = read.object(
    await github.get('/repos/{owner}/{repo}/git/trees/{tree_sha}', parameters, purpose),
    'tree',
  );
  const entries = read.list(answer['tree'], 'tree').map((value): TreeEntry => {
    const entry = read.object(value, 'tree');
    return {
      path: read.text(entry['path'], 'path'),
      mode: read.text(entry['mode'], 'mode'),
      id: read.id(entry['sha'], 'sha'),
      size: entry['size'] === undefined ? 0 : read.integer(entry['size'], 'size'),
    };
  });
  return { entries, isCut: answer['truncated'] === true };
}
