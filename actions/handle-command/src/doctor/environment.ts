import { AnswerReader } from '@slipway/core/github/json-shape';
import { splitRepository } from '@slipway/core/github/pull-request';
import { type Diagnosis, failed, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';

const CHECK = 'environment production';

/** Looks whether jobs on production wait for somebody; https://docs.github.com/rest/deployments/environments#list-environments. */
export async function checkEnvironment({ github, repository, isStorage }: Examined): Promise<Diagnosis[]> {
  if (!isStorage) return [];
  const cure = 'Make the environment `production` with required reviewers: Settings → Environments.';
  const purpose = { what: `the environments of ${repository}`, permission: 'actions: read' };
  const read = new AnswerReader(purpose.what);
  try {
    const parameters = { ...splitRepository(repository), per_page: 100 };
    const answer = await github.get('/repos/{owner}/{repo}/environments', parameters, purpose);
    const all = read.list(read.object(answer, 'environments')['environments'] ?? [], 'environments');
    const production = all.map((each) => read.object(each, 'environment')).find(({ name }) => name === 'production');
    if (production === undefined) {
      return [ill(CHECK, 'warning', 'There is none: whatever runs on production runs at once.', cure)];
    }
    const rules = read.list(production['protection_rules'] ?? [], 'protection_rules');
    const waits = rules.some((rule) => read.object(rule, 'rule')['type'] === 'required_reviewers');
    return [waits ? fine(CHECK, 'with reviewers') : ill(CHECK, 'warning', 'It is there, and has no reviewers.', cure)];
  } catch (error) {
    return [failed(CHECK, 'unknown', error)];
  }
}
