import type { HostedRepository } from '../hosted-repository.ts';
import { pullRequestsOf } from '../pull-request.ts';
import type { CheckRunRecord } from '../records.ts';
import type { Site } from '../site.ts';
import { appShape } from './app-shape.ts';
import { repositoryPage, repositoryUrl } from './repository-shape.ts';
import { nodeId } from './user-shape.ts';

/** The open pull requests whose head is the commit, in few words. */
export function pullsAt(site: Site, repository: HostedRepository, sha: string) {
  const side = (fullName: string, ref: string, oid: string) => {
    const found = site.find(fullName);
    if (found === undefined) return undefined;
    const { id, name } = found.record;
    return { ref, sha: oid, repo: { id, name, url: repositoryUrl(site, found) } };
  };
  return pullRequestsOf(repository)
    .filter(({ state, pull }) => state === 'open' && pull.headSha === sha)
    .map(({ id, number, pull }) => ({
      id,
      number,
      url: `${repositoryUrl(site, repository)}/pulls/${number}`,
      head: side(pull.headRepository, pull.headRef, pull.headSha),
      base: side(repository.fullName, pull.baseRef, pull.baseSha),
    }))
    .filter(({ head }) => head !== undefined);
}

export function checkRunShape(site: Site, repository: HostedRepository, run: CheckRunRecord) {
  const url = `${repositoryUrl(site, repository)}/check-runs/${run.id}`;
  const page = `${repositoryPage(site, repository)}/runs/${run.id}`;
  return {
    id: run.id,
    node_id: nodeId('CheckRun', run.id),
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: page,
    details_url: run.detailsUrl ?? page,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: {
      title: run.output.title,
      summary: run.output.summary,
      text: run.output.text,
      annotations_count: run.output.annotationsCount,
      annotations_url: `${url}/annotations`,
    },
    name: run.name,
    check_suite: { id: run.suite },
    app: appShape(site, run.app),
    pull_requests: pullsAt(site, repository, run.headSha),
  };
}
