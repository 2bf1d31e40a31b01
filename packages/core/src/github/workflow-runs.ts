import { ConfigurationError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/**
 * Says whether anything of a workflow run is still to come: it waits or works, in its newest attempt. A run that is gone,
 * as GitHub forgets them in time, is over.
 *
 * https://docs.github.com/rest/actions/workflow-runs#get-a-workflow-run
 */
export async function isRunUnderWay(github: GitHub, repository: string, id: number): Promise<boolean> {
  const purpose = { what: `the workflow run ${id} of ${repository}`, permission: 'actions: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), run_id: id };
  try {
    const answer = await github.get('/repos/{owner}/{repo}/actions/runs/{run_id}', parameters, purpose);
    return read.text(read.object(answer, 'run')['status'], 'status') !== 'completed';
  } catch (error) {
    if (error instanceof ConfigurationError && error.code === 'github-not-found') return false;
    throw error;
  }
}

/** A run that somebody has started by a dispatch. */
export interface DispatchedRun {
  readonly id: number;
  /** What the list of runs calls it: its workflow's `run-name`, else the name of the workflow. */
  readonly title: string;
}

/**
 * Lists the runs of a workflow that `actor` has dispatched since a time, at most a hundred, the newest first.
 *
 * https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository
 */
export async function listDispatchedRuns(
  github: GitHub,
  repository: string,
  { workflow, actor, since }: { readonly workflow: string; readonly actor: string; readonly since: Date },
): Promise<readonly DispatchedRun[]> {
  const purpose = { what: `the workflow runs of ${repository}`, permission: 'actions: read' };
  const read = new AnswerReader(purpose.what);
  const wanted = { event: 'workflow_dispatch', actor, created: `>=${since.toISOString()}`, per_page: 100 };
  const parameters = { ...splitRepository(repository), ...wanted };
  const answer = read.object(await github.get('/repos/{owner}/{repo}/actions/runs', parameters, purpose), 'runs');
  return read
    .list(answer['workflow_runs'], 'workflow_runs')
    .map((value) => read.object(value, 'run'))
    .filter((run) => {
      // With the ref behind it, in some answers.
      const [file = ''] = read.text(run['path'], 'path').split('@');
      const by = read.object(run['actor'] ?? {}, 'actor')['login'];
      const at = Date.parse(read.text(run['created_at'], 'created_at'));
      return file.endsWith(`/${workflow}`) && by === actor && at >= since.getTime();
    })
    .map((run) => ({ id: read.integer(run['id'], 'id'), title: read.optionalText(run['display_title'], 'title') }));
}

/** A workflow to start, with what its `workflow_dispatch` takes. */
export interface Dispatch {
  /** File name of the workflow below `.github/workflows`. */
  readonly workflow: string;
  /** The branch whose file runs. */
  readonly ref: string;
  readonly inputs: Readonly<Record<string, string>>;
}

/**
 * Starts a workflow. A job's own token may do this, though nothing else that it does starts one.
 *
 * https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event
 */
export async function dispatchWorkflow(github: GitHub, repository: string, dispatch: Dispatch): Promise<void> {
  const { workflow: workflow_id, ref, inputs } = dispatch;
  const purpose = { what: `a dispatch of ${workflow_id} in ${repository}`, permission: 'actions: write' };
  const body = { ...splitRepository(repository), workflow_id, ref, inputs };
  await github.send('POST', '/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches', body, purpose);
}
