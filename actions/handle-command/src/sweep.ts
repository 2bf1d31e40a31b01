import type { Runtime } from '@slipway/core/action/action';
import { ActionError, ConfigurationError, messageOf } from '@slipway/core/errors';
import { connectGitHub, type GitHub } from '@slipway/core/github/connect';
import { readDefaultBranch } from '@slipway/core/github/repository';
import { readViewer } from '@slipway/core/github/viewer';
import { dispatchWorkflow, isRunUnderWay, listDispatchedRuns } from '@slipway/core/github/workflow-runs';
import {
  type KnownRelease,
  listOpenForQueue,
  listSweptLately,
  type QueuedPullRequest,
  type QueueEntry,
  standInQueue,
} from '@slipway/core/pull-request/release-queue';
import { readReleaseRecord } from '@slipway/core/pull-request/release-record';
import { mapPooled } from '@slipway/core/util/pool';
import { type Context, openContext } from './context.ts';
import type { Inputs } from './inputs.ts';
import { makeOutputs, type Outputs } from './outputs.ts';

/** GitHub asks not to send many requests at once. */
const AT_ONCE = 4;

/** Milliseconds between two attempts to start one release again: what dies at once must not be started all day long. */
const PAUSE = 60 * 60 * 1000;

/** Only the records and the pull requests are read with the App; runs are for the job's own token. */
const PERMISSIONS = { contents: 'read', pull_requests: 'read', checks: 'read' } as const;

/** A release that is to be started again. */
interface Due {
  readonly pull: QueuedPullRequest;
  readonly run: number | undefined;
}

/**
 * Starts releases again that nothing works on any more, and shows the queue.
 *
 * It goes by the records alone: a label can be set by anybody. It writes nothing but the dispatches, so nothing of it can
 * be left half-written; that a release was started lately shows the list of runs, whatever killed the sweep or the run.
 */
export async function sweep(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const { event } = runtime;
  const context = await openContext(PERMISSIONS, inputs, runtime);
  const { github, repository, doings } = context;
  const runs = connectGitHub({
    token: inputs.token,
    apiUrl: event.apiUrl,
    graphqlUrl: event.graphqlUrl,
    log: runtime.log,
  });
  const workflow = inputs.workflow ?? workflowOf(event.run?.workflow);
  const pulls = await listOpenForQueue(github, repository);
  const known = await mapPooled(pulls, AT_ONCE, (pull) => look(context, runs, pull));
  const swept = await findSwept(runs, repository, workflow, pulls, known);
  const queue: QueueEntry[] = [];
  const due: Due[] = [];
  for (const [index, pull] of pulls.entries()) {
    const release = known[index] ?? {};
    const entry = standInQueue(pull, release, swept.has(pull.number));
    if (entry !== undefined) queue.push(entry);
    if (entry?.isDue === true) due.push({ pull, run: release.record?.run?.id });
  }
  report(queue, runtime);
  if (due.length > 0) {
    const ref = event.defaultBranch ?? (await readDefaultBranch(runs, repository));
    for (const each of due) await startAgain(context, runs, each, { workflow, ref });
  }
  const reason = doings.plan.length === 0 ? 'Nothing is to be started again.' : `${doings.plan.join('; ')}.`;
  return makeOutputs(doings.changed ? 'updated' : 'ignored', reason, {
    plan: queue.map((entry) => ({ ...entry, openedAt: entry.openedAt.toISOString() })),
    changed: doings.changed,
  });
}

/** Returns what is known about the release of a pull request's head; what cannot be known is said of that one. */
async function look(context: Context, runs: GitHub, pull: QueuedPullRequest): Promise<KnownRelease> {
  const { github, repository, self } = context;
  try {
    const stored = await readReleaseRecord(
      github,
      repository,
      { commit: pull.headSha, pullRequest: pull.number },
      self,
    );
    if (stored === undefined) return {};
    const { record } = stored;
    const isUnderWay =
      record.state === 'intent' && record.run !== undefined && (await isRunUnderWay(runs, repository, record.run.id));
    return { record, isUnderWay };
  } catch (error) {
    if (!(error instanceof ActionError || error instanceof ConfigurationError)) throw error;
    return { problem: messageOf(error) };
  }
}

/** Returns the pull requests whose release was started again within the last hour, with this same token. */
async function findSwept(
  runs: GitHub,
  repository: string,
  workflow: string,
  pulls: readonly QueuedPullRequest[],
  known: readonly KnownRelease[],
): Promise<ReadonlySet<number>> {
  const isStalled = known.some(
    (each) => each.record !== undefined && each.record.state === 'intent' && !each.isUnderWay,
  );
  if (!isStalled) return new Set();
  const since = new Date(Date.now() - PAUSE);
  const started = await listDispatchedRuns(runs, repository, { workflow, actor: await readViewer(runs), since });
  return listSweptLately(started, pulls, known);
}

/** Starts one release again; one that cannot be started keeps none of the others from it. */
async function startAgain(
  { repository, doings, runtime }: Context,
  runs: GitHub,
  { pull: { number }, run }: Due,
  place: { readonly workflow: string; readonly ref: string },
): Promise<void> {
  const reason = `sweep: ${run === undefined ? 'no run' : `run ${run} is over, and nothing`} works on the release`;
  const dispatch = { ...place, inputs: { 'pull-request': String(number), reason } };
  try {
    await doings.do(`start the release of #${number} again`, () => dispatchWorkflow(runs, repository, dispatch));
  } catch (error) {
    if (!(error instanceof ActionError || error instanceof ConfigurationError)) throw error;
    runtime.annotate({ severity: 'error', title: `#${number}`, message: messageOf(error) });
    runtime.fail(error.code, `#${number} cannot be started again: ${messageOf(error)}`);
  }
}

function report(queue: readonly QueueEntry[], { summary, log }: Runtime): void {
  summary.heading('Releases that are waited for');
  if (queue.length === 0) {
    summary.paragraph('Nothing waits for a release.');
    return;
  }
  const now = Date.now();
  summary.table(
    ['pull request', 'title', 'open for', 'state', 'missing', 'labels'],
    queue.map(({ pullRequest, title, openedAt, state, missing, disagreement }) => [
      `#${pullRequest}`,
      title,
      formatAge(now - openedAt.getTime()),
      state,
      missing,
      disagreement,
    ]),
  );
  for (const { pullRequest, state, missing } of queue) log.info(`#${pullRequest}: ${state}: ${missing}`);
}

function formatAge(milliseconds: number): string {
  const hours = Math.max(0, Math.floor(milliseconds / 3_600_000));
  const unit = (count: number, name: string): string => `${count} ${name}${count === 1 ? '' : 's'}`;
  return hours < 48 ? unit(hours, 'hour') : unit(Math.floor(hours / 24), 'day');
}

/** Returns the file name in `owner/name/.github/workflows/<file>@<ref>`. */
function workflowOf(reference: string | undefined): string {
  const file = /\/\.github\/workflows\/([^/@]+)@/.exec(reference ?? '')?.[1];
  if (file !== undefined) return file;
  throw new ConfigurationError(
    'missing-input',
    "input 'workflow' is required here, outside of a workflow: the file name of the workflow that releases.",
  );
}
