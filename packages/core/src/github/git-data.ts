import { ActionError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** Modes of what a tree can hold; https://git-scm.com/book/en/v2/Git-Internals-Git-Objects#_tree_objects. */
export type TreeMode = '100644' | '100755' | '120000' | '160000' | '040000';

/** One line of a git tree. */
export interface TreeEntry {
  /** One name, without a slash. */
  readonly path: string;
  readonly mode: TreeMode;
  readonly id: string;
}

const WRITE = 'contents: write';

/** Reads the entries of one tree, not of those below it; `tree` may be a commit. */
export async function readTreeEntries(github: GitHub, repository: string, tree: string): Promise<readonly TreeEntry[]> {
  const purpose = { what: `the tree ${tree} of ${repository}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), tree_sha: tree };
  const answer = read.object(
    await github.get('/repos/{owner}/{repo}/git/trees/{tree_sha}', parameters, purpose),
    'tree',
  );
  if (answer['truncated'] === true) {
    throw new ActionError('tree-too-large', `GitHub lists only a part of the tree ${tree} of ${repository}.`);
  }
  return read.list(answer['tree'], 'tree').map((value) => {
    const entry = read.object(value, 'tree');
    const { path, mode, sha } = entry;
    return { path: read.text(path, 'path'), mode: read.text(mode, 'mode') as TreeMode, id: read.id(sha, 'sha') };
  });
}

/**
 * Writes a tree of exactly these entries and returns its id; the objects they name must be in the repository. Without
 * `base_tree`: what is not named is not there. An empty tree cannot be written: a directory that holds nothing is left
 * out of its parent. https://docs.github.com/rest/git/trees#create-a-tree
 */
export async function writeTree(github: GitHub, repository: string, entries: readonly TreeEntry[]): Promise<string> {
  const purpose = { what: `a new tree in ${repository}`, permission: WRITE };
  const read = new AnswerReader(purpose.what);
  const tree = entries.map(({ path, mode, id }) => ({ path, mode, type: typeOf(mode), sha: id }));
  const body = { ...splitRepository(repository), tree };
  const answer = await github.send('POST', '/repos/{owner}/{repo}/git/trees', body, purpose);
  return read.id(read.object(answer, 'tree')['sha'], 'sha');
}

function typeOf(mode: TreeMode): 'blob' | 'tree' | 'commit' {
  if (mode === '040000') return 'tree';
  return mode === '160000' ? 'commit' : 'blob';
}

/** Writes a blob and returns its id; https://docs.github.com/rest/git/blobs#create-a-blob. */
export async function writeBlob(github: GitHub, repository: string, bytes: Buffer): Promise<string> {
  const purpose = { what: `a new blob in ${repository}`, permission: WRITE };
  const read = new AnswerReader(purpose.what);
  const body = { ...splitRepository(repository), content: bytes.toString('base64'), encoding: 'base64' };
  const answer = await github.send('POST', '/repos/{owner}/{repo}/git/blobs', body, purpose);
  return read.id(read.object(answer, 'blob')['sha'], 'sha');
}

export interface NewCommit {
  readonly message: string;
  readonly tree: string;
  readonly parents: readonly string[];
}

/** Writes a commit and returns its id; nothing points to it yet. */
export async function writeCommit(github: GitHub, repository: string, commit: NewCommit): Promise<string> {
  const purpose = { what: `a new commit in ${repository}`, permission: WRITE };
  const read = new AnswerReader(purpose.what);
  const body = { ...splitRepository(repository), ...commit };
  const answer = await github.send('POST', '/repos/{owner}/{repo}/git/commits', body, purpose);
  return read.id(read.object(answer, 'commit')['sha'], 'sha');
}

export interface Commit {
  readonly id: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
}

/** Reads one commit by its id. */
export async function readCommit(github: GitHub, repository: string, id: string): Promise<Commit> {
  const purpose = { what: `the commit ${id} of ${repository}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), commit_sha: id };
  const answer = read.object(
    await github.get('/repos/{owner}/{repo}/git/commits/{commit_sha}', parameters, purpose),
    'commit',
  );
  return {
    id,
    tree: read.id(read.object(answer['tree'], 'tree')['sha'], 'tree.sha'),
    parents: read
      .list(answer['parents'], 'parents')
      .map((parent) => read.id(read.object(parent, 'parents')['sha'], 'sha')),
    message: read.text(answer['message'], 'message'),
  };
}
