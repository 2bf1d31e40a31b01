import type { GitHub } from './connect.ts';
import { isConflict } from './github-error.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/**
 * Returns the commit at the head of a branch; undefined when there is no such branch.
 *
 * Asked as a list, because GitHub answers a missing ref and a missing permission alike (404).
 * https://docs.github.com/rest/git/refs#list-matching-references
 */
export async function findBranchHead(github: GitHub, repository: string, branch: string): Promise<string | undefined> {
  const purpose = { what: `the branch ${branch} of ${repository}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), ref: `heads/${branch}` };
  const answer = await github.get('/repos/{owner}/{repo}/git/matching-refs/{ref}', parameters, purpose);
  for (const value of read.list(answer, 'refs')) {
    const ref = read.object(value, 'ref');
    if (read.text(ref['ref'], 'ref') !== `refs/heads/${branch}`) continue;
    return read.id(read.object(ref['object'], 'object')['sha'], 'object.sha');
  }
  return undefined;
}

/** Makes a branch that points to `commit`; false when there is one of that name already, or somebody is just making it. */
export async function createBranch(
  github: GitHub,
  repository: string,
  branch: string,
  commit: string,
): Promise<boolean> {
  const purpose = { what: `the new branch ${branch} of ${repository}`, permission: 'contents: write' };
  const body = { ...splitRepository(repository), ref: `refs/heads/${branch}`, sha: commit };
  try {
    await github.send('POST', '/repos/{owner}/{repo}/git/refs', body, purpose);
    return true;
  } catch (error) {
    if (isConflict(error, /already exists|reference update failed/i)) return false;
    throw error;
  }
}

/**
 * Moves a branch forward to `commit`; false when that is no fast forward, for then somebody else moved it. A commit whose
 * parent is the head that was read is thus swapped in only while that head still stands.
 */
export async function advanceBranch(
  github: GitHub,
  repository: string,
  branch: string,
  commit: string,
): Promise<boolean> {
  try {
    await moveBranch(github, repository, branch, commit, false);
    return true;
  } catch (error) {
    if (isConflict(error, /fast[ -]forward|reference update failed/i)) return false;
    throw error;
  }
}

/** Moves a branch to `commit` wherever it was; for branches that are ours alone. */
export async function replaceBranch(github: GitHub, repository: string, branch: string, commit: string): Promise<void> {
  await moveBranch(github, repository, branch, commit, true);
}

async function moveBranch(
  github: GitHub,
  repository: string,
  branch: string,
  commit: string,
  force: boolean,
): Promise<void> {
  const purpose = { what: `moving the branch ${branch} of ${repository}`, permission: 'contents: write' };
  const body = { ...splitRepository(repository), ref: `heads/${branch}`, sha: commit, force };
  await github.send('PATCH', '/repos/{owner}/{repo}/git/refs/{ref}', body, purpose);
}
