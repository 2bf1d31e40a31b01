import { type Answer, listPage, ok } from '../answer.ts';
import { notFound } from '../api-error.ts';
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts';
import { commitShape } from '../shapes/commit-shape.ts';
import { protectionSummary } from '../shapes/protection-shape.ts';
import { fullRepositoryShape, repositoryPage, repositoryUrl } from '../shapes/repository-shape.ts';

const getRepository = async ({ site, repository }: RepositoryCall): Promise<Answer> =>
  ok(await fullRepositoryShape(site, repository));

async function listBranches(call: RepositoryCall): Promise<Answer> {
  const url = repositoryUrl(call.site, call.repository);
  return listPage(call, await call.repository.git.refs('refs/heads/'), ({ name, oid }) => ({
    name: name.slice('refs/heads/'.length),
    commit: { sha: oid, url: `${url}/commits/${oid}` },
    protected: call.repository.record.protections[name.slice('refs/heads/'.length)] !== undefined,
  }));
}

async function getBranch({ site, repository, parameter }: RepositoryCall): Promise<Answer> {
  const name = parameter('branch');
  const oid = await repository.git.branch(name);
  const commit = oid === undefined ? undefined : await repository.git.commit(oid);
  if (commit === undefined) throw notFound('Branch not found');
  const url = `${repositoryUrl(site, repository)}/branches/${encodeURIComponent(name)}`;
  return ok({
    name,
    commit: commitShape(site, repository, commit),
    _links: { self: url, html: `${repositoryPage(site, repository)}/tree/${name}` },
    ...protectionSummary(repository.record.protections[name]),
    protection_url: `${url}/protection`,
  });
}

export const repositoryRoutes: readonly Route[] = [
  repositoryRoute('GET', '', ['metadata:read'], getRepository),
  repositoryRoute('GET', '/branches', ['contents:read'], listBranches),
  repositoryRoute('GET', '/branches/{branch}', ['contents:read'], getBranch),
];
