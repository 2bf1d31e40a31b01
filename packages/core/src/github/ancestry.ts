import { ConfigurationError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/**
 * Returns the best common ancestor of two commits; undefined when they have none, or when one of them is not in the
 * repository. https://docs.github.com/rest/commits/commits#compare-two-commits
 */
export async function findMergeBase(
  github: GitHub,
  repository: string,
  base: string,
  head: string,
): Promise<string | undefined> {
  if (base === head) return base;
  const purpose = { what: `the comparison of ${base} with ${head} in ${repository}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  // The second page has neither files nor more than one commit: all of what is asked for stands outside of both.
  const page = { per_page: 1, page: 2 };
  const parameters = { ...splitRepository(repository), basehead: `${base}...${head}`, ...page };
  try {
    const answer = await github.get('/repos/{owner}/{repo}/compare/{basehead}', parameters, purpose);
    const common = read.object(read.object(answer, 'comparison')['merge_base_commit'], 'merge_base_commit');
    return read.id(common['sha'], 'merge_base_commit.sha');
  } catch (error) {
    if (error instanceof ConfigurationError && error.code === 'github-not-found') return undefined;
    throw error;
  }
}

/** Says whether `descendant` is `ancestor` or holds it in its history. */
export async function isAncestor(
  github: GitHub,
  repository: string,
  ancestor: string,
  descendant: string,
): Promise<boolean> {
  return (await findMergeBase(github, repository, ancestor, descendant)) === ancestor;
}
