import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** Lists the messages of a pull request's commits, the first 250 of them; https://docs.github.com/rest/pulls/pulls#list-commits-on-a-pull-request. */
export async function listPullRequestMessages(
  github: GitHub,
  repository: string,
  number: number,
): Promise<readonly string[]> {
  const purpose = {
    what: `the commits of pull request #${number} of ${repository}`,
    permission: 'pull-requests: read',
  };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), pull_number: number };
  const answers = await github.list('/repos/{owner}/{repo}/pulls/{pull_number}/commits', parameters, purpose);
  return answers.map((answer) => {
    const commit = read.object(read.object(answer, 'commit')['commit'], 'commit.commit');
    return read.text(commit['message'], 'commit.message');
  });
}
