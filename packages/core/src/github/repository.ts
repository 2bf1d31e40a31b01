import type { GitHub } from './connect.ts';
import { AnswerReader, type JsonObject } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** Returns the name of a repository's default branch; `repository` is `owner/name`. */
export async function readDefaultBranch(github: GitHub, repository: string): Promise<string> {
  const purpose = { what: `the repository ${repository}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  const answer = await github.get('/repos/{owner}/{repo}', splitRepository(repository), purpose);
  return read.text(read.object(answer, 'repository')['default_branch'], 'default_branch');
}

/** Returns the commit at the head of a branch now. */
export async function readBranchHead(github: GitHub, repository: string, branch: string): Promise<string> {
  const { answer, read } = await readBranch(github, repository, branch);
  return read.id(read.object(answer['commit'], 'commit')['sha'], 'commit.sha');
}

/** Reads what GitHub shows of a branch; https://docs.github.com/rest/branches/branches#get-a-branch. */
export async function readBranch(
  github: GitHub,
  repository: string,
  branch: string,
): Promise<{ readonly answer: JsonObject; readonly read: AnswerReader }> {
  const purpose = { what: `the branch ${branch} of ${repository}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), branch };
  const answer = await github.get('/repos/{owner}/{repo}/branches/{branch}', parameters, purpose);
  return { answer: read.object(answer, 'branch'), read };
}
