import { type Answer, ok, paginate } from '../answer.ts';
import { ApiError, notFound } from '../api-error.ts';
import { mayAccess } from '../authentication.ts';
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts';
import { environmentShape, protectionShape, rulesShape } from '../shapes/protection-shape.ts';

async function getProtection(call: RepositoryCall): Promise<Answer> {
  const { site, repository, actor } = call;
  // Not for everybody's eyes, even where the repository is public.
  if (!mayAccess(actor, ['administration:read'], false)) {
    throw new ApiError(403, 'Resource not accessible by integration');
  }
  const branch = call.parameter('branch');
  if ((await repository.git.branch(branch)) === undefined) throw notFound('Branch not found');
  const rules = repository.record.protections[branch];
  if (rules?.kind !== 'branch-protection') throw notFound('Branch not protected');
  return ok(protectionShape(site, repository, branch, rules));
}

/** Rulesets only: GitHub, too, keeps silent about branch protections here. */
function getRules(call: RepositoryCall): Answer {
  const rules = call.repository.record.protections[call.parameter('branch')];
  return ok(rules?.kind === 'ruleset' ? rulesShape(call.repository, rules) : []);
}

function listEnvironments(call: RepositoryCall): Answer {
  const { site, repository } = call;
  const all = repository.record.environments;
  const { items, headers } = paginate(call, all);
  const environments = items.map((environment) => environmentShape(site, repository, environment));
  return { status: 200, json: { total_count: all.length, environments }, headers };
}

export const settingsRoutes: readonly Route[] = [
  repositoryRoute('GET', '/branches/{branch}/protection', ['administration:read'], getProtection),
  repositoryRoute('GET', '/rules/branches/{branch}', ['metadata:read'], getRules),
  repositoryRoute('GET', '/environments', ['actions:read'], listEnvironments),
];
