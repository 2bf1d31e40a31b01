import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** Nobody pushes more at once by accident, and each is asked about. */
const MOST = 250;
const PAGE = 100;

/**
 * Lists the commits that `head` has and `base` has not, the oldest first and at most 250.
 *
 * https://docs.github.com/rest/commits/commits#compare-two-commits
 */
export async function listCommitsBetween(
  github: GitHub,
  repository: string,
  base: string,
  head: string,
): Promise<string[]> {
  const purpose = { what: `the comparison of ${base} with ${head} in ${repository}`, permission: 'contents: read' };
  const read = new AnswerReader(purpose.what);
  const commits: string[] = [];
  for (let page = 1; commits.length < MOST; page += 1) {
    const parameters = { ...splitRepository(repository), basehead: `${base}...${head}`, per_page: PAGE, page };
    const answer = await github.get('/repos/{owner}/{repo}/compare/{basehead}', parameters, purpose);
    const listed = read.list(read.object(answer, 'comparison')['commits'], 'commits');
    commits.push(...listed.map((commit) => read.id(read.object(commit, 'commit')['sha'], 'commit.sha')));
    if (listed.length < PAGE) break;
  }
  return commits.slice(0, MOST);
}
