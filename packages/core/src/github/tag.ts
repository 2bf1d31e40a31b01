import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/**
 * Returns the commit that a tag of git points to, through the object of an annotated one; undefined when there is no such
 * tag. https://docs.github.com/rest/git/refs#list-matching-references
 */
export async function findTagCommit(github: GitHub, repository: string, tag: string): Promise<string | undefined> {
  const purpose = { what: `the tag ${tag} of ${repository}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  const place = splitRepository(repository);
  const parameters = { ...place, ref: `tags/${tag}` };
  const answer = await github.get('/repos/{owner}/{repo}/git/matching-refs/{ref}', parameters, purpose);
  for (const value of read.list(answer, 'refs')) {
    const ref = read.object(value, 'ref');
    if (read.text(ref['ref'], 'ref') !== `refs/tags/${tag}`) continue;
    const object = read.object(ref['object'], 'object');
    if (read.text(object['type'], 'object.type') === 'commit') return read.id(object['sha'], 'object.sha');
    // Of the commit's files, which nobody asks for, one is the least.
    const peeled = { ...place, ref: `refs/tags/${tag}`, per_page: 1 };
    const commit = await github.get('/repos/{owner}/{repo}/commits/{ref}', peeled, purpose);
    return read.id(read.object(commit, 'commit')['sha'], 'sha');
  }
  return undefined;
}
