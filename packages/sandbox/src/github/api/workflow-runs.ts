import type { WorkflowRun } from '../actions-host.ts';
import { type Answer, ok, paginate } from '../answer.ts';
import { ApiError, notFound } from '../api-error.ts';
import { numberParameter, type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { workflowJobShape, workflowRunShape } from '../shapes/workflow-run-shape.ts';

const runsOf = ({ site, repository }: RepositoryCall): readonly WorkflowRun[] =>
  site.actions?.runsOf(repository.fullName) ?? [];

function findRun(call: RepositoryCall): WorkflowRun {
  const id = numberParameter(call, 'run_id');
  const run = runsOf(call).find((each) => each.id === id);
  if (run === undefined) throw notFound();
  return run;
}

async function listRuns(call: RepositoryCall): Promise<Answer> {
  const { site, repository, query } = call;
  const matches = (name: string, ...values: readonly (string | null)[]): boolean => {
    const wanted = query.get(name);
    return wanted === null || wanted === '' || values.includes(wanted);
  };
  const all = runsOf(call)
    .filter((run) => matches('event', run.event) && matches('branch', run.headBranch))
    .filter((run) => matches('head_sha', run.headSha) && matches('actor', run.actor))
    // One word asks for either.
    .filter((run) => matches('status', run.status, run.conclusion))
    .toReversed();
  const { items, headers } = paginate(call, all);
  const runs = await Promise.all(items.map((run) => workflowRunShape(site, repository, run)));
  return { status: 200, json: { total_count: all.length, workflow_runs: runs }, headers };
}

const getRun = async (call: RepositoryCall): Promise<Answer> =>
  ok(await workflowRunShape(call.site, call.repository, findRun(call)));

function listJobs(call: RepositoryCall): Answer {
  const { site, repository } = call;
  const run = findRun(call);
  const all = run.jobs.filter(({ attempt }) => call.query.get('filter') === 'all' || attempt === run.attempt);
  const { items, headers } = paginate(call, all);
  const jobs = items.map((job) => workflowJobShape(site, repository, run, job));
  return { status: 200, json: { total_count: all.length, jobs }, headers };
}

function cancel(call: RepositoryCall): Answer {
  const { id } = findRun(call);
  if (call.site.actions?.cancel(id) !== true) {
    throw new ApiError(409, 'Cannot cancel a workflow run that is completed.');
  }
  return { status: 202, json: {} };
}

const rerun =
  (failedOnly: boolean) =>
  (call: RepositoryCall): Answer => {
    const { id } = findRun(call);
    if (call.site.actions?.rerun(id, failedOnly, senderOfCall(call)) !== true) {
      throw new ApiError(403, 'This workflow run is already running');
    }
    return { status: 201, json: {} };
  };

export const workflowRunRoutes: readonly Route[] = [
  repositoryRoute('GET', '/actions/runs', ['actions:read'], listRuns),
  repositoryRoute('GET', '/actions/runs/{run_id}', ['actions:read'], getRun),
  repositoryRoute('GET', '/actions/runs/{run_id}/jobs', ['actions:read'], listJobs),
  repositoryRoute('POST', '/actions/runs/{run_id}/cancel', ['actions:write'], cancel),
  repositoryRoute('POST', '/actions/runs/{run_id}/rerun', ['actions:write'], rerun(false)),
  repositoryRoute('POST', '/actions/runs/{run_id}/rerun-failed-jobs', ['actions:write'], rerun(true)),
];
