import type { WorkflowRun, WorkflowRunJob } from '../actions-host.ts';
import { isoSeconds, signatureDate } from '../git/objects.ts';
import type { HostedRepository } from '../hosted-repository.ts';
import type { Site } from '../site.ts';
import { pullsAt } from './check-run-shape.ts';
import { repositoryPage, repositoryShape, repositoryUrl } from './repository-shape.ts';
import { nodeId, userShape } from './user-shape.ts';
import { workflowId } from './workflow-shape.ts';

/** @see https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run */
export async function workflowRunShape(site: Site, repository: HostedRepository, run: WorkflowRun) {
  const url = `${repositoryUrl(site, repository)}/actions/runs/${run.id}`;
  const suiteUrl = `${repositoryUrl(site, repository)}/check-suites/${run.suite}`;
  const head = site.find(run.headRepository) ?? repository;
  const id = workflowId(repository, run.path);
  const commit = await repository.git.commit(run.headSha);
  const previous = run.attempt > 1 ? `${url}/attempts/${run.attempt - 1}` : null;
  const embedded = await repositoryShape(site, repository);
  return {
    id: run.id,
    name: run.name,
    node_id: nodeId('WorkflowRun', run.id),
    check_suite_id: run.suite,
    check_suite_node_id: nodeId('CheckSuite', run.suite),
    head_branch: run.headBranch,
    head_sha: run.headSha,
    path: run.path,
    display_title: run.title,
    run_number: run.number,
    run_attempt: run.attempt,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: id,
    url,
    html_url: `${repositoryPage(site, repository)}/actions/runs/${run.id}`,
    pull_requests: pullsAt(site, repository, run.headSha),
    created_at: isoSeconds(run.createdAt),
    updated_at: isoSeconds(run.updatedAt),
    run_started_at: isoSeconds(run.startedAt),
    actor: userShape(site, run.actor),
    triggering_actor: userShape(site, run.triggeringActor),
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: suiteUrl,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: previous,
    workflow_url: `${repositoryUrl(site, repository)}/actions/workflows/${id}`,
    head_commit:
      commit === undefined
        ? null
        : {
            id: commit.oid,
            tree_id: commit.tree,
            message: commit.message.replace(/\n+$/, ''),
            timestamp: signatureDate(commit.committer),
            author: { name: commit.author.name, email: commit.author.email },
            committer: { name: commit.committer.name, email: commit.committer.email },
          },
    repository: embedded,
    head_repository: head === repository ? embedded : await repositoryShape(site, head),
  };
}

/** @see https://docs.github.com/en/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run */
export function workflowJobShape(site: Site, repository: HostedRepository, run: WorkflowRun, job: WorkflowRunJob) {
  const url = repositoryUrl(site, repository);
  const started = isoSeconds(job.startedAt);
  return {
    id: job.id,
    run_id: run.id,
    run_url: `${url}/actions/runs/${run.id}`,
    run_attempt: job.attempt,
    node_id: nodeId('CheckRun', job.id),
    head_sha: run.headSha,
    head_branch: run.headBranch,
    workflow_name: run.name,
    url: `${url}/actions/jobs/${job.id}`,
    html_url: `${repositoryPage(site, repository)}/actions/runs/${run.id}/job/${job.id}`,
    status: job.status,
    conclusion: job.conclusion,
    created_at: started,
    started_at: started,
    completed_at: job.completedAt === null ? null : isoSeconds(job.completedAt),
    name: job.name,
    steps: job.steps.map(({ name, status, conclusion, number }) => ({ name, status, conclusion, number })),
    check_run_url: `${url}/check-runs/${job.id}`,
    labels: [],
    runner_id: null,
    runner_name: 'sandbox',
    runner_group_id: null,
    runner_group_name: null,
  };
}
