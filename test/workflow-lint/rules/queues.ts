import { callsTo, type Library } from '../library.ts';
import { type Job, mapping, type Workflow } from '../read-workflow.ts';
import { at, type Problem, type Rule } from '../rule.ts';
import { hasSideEffects } from '../side-effects.ts';

/**
 * What changes something outside waits for its turn, and is neither cancelled nor dropped: without `queue: max` GitHub
 * keeps one that waits and cancels the others. A job that a push to a branch calls may be dropped before it begins, for the
 * next one finds the same branch further on; what it calls waits in groups of its own. Never the whole run: what is said of
 * each push would be lost.
 *
 * @see https://docs.github.com/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
 */
export const queues: Rule = (workflow, library) => {
  const jobs = workflow.jobs.filter((job) => hasSideEffects(job, workflow, library));
  if (jobs.length === 0) return [];
  return [
    ...checkQueue('/concurrency', workflow.value['concurrency'], workflow),
    ...jobs
      .filter((job) => !isCoalescing(job, workflow))
      .flatMap((job) => checkQueue(`${job.pointer}/concurrency`, job.value['concurrency'], workflow)),
    ...jobs
      .filter((job) => job.uses === undefined && !isQueued(job, workflow, library))
      .map(({ id, pointer }) =>
        at(workflow, pointer, `job ${id} changes something outside, and has no concurrency group`),
      ),
  ];
};

function checkQueue(place: string, concurrency: unknown, workflow: Workflow): Problem[] {
  if (concurrency === undefined) return [];
  const { 'cancel-in-progress': cancels, queue } = mapping(concurrency);
  if (cancels === false && queue === 'max') return [];
  return [at(workflow, place, 'what changes something outside has `cancel-in-progress: false` and `queue: max`')];
}

/** Returns whether a group holds the job: its own, its file's, or one of every job that calls its file. */
function isQueued(job: Job, workflow: Workflow, library: Library): boolean {
  if (job.value['concurrency'] !== undefined && !isCoalescing(job, workflow)) return true;
  if (workflow.value['concurrency'] !== undefined) return true;
  const calls = callsTo(workflow, library);
  return calls.length > 0 && calls.every((call) => isQueued(call.job, call.caller, library));
}

/** Says whether of the pushes to one branch that wait only the newest has the job carried out. */
function isCoalescing({ value, uses }: Job, { events }: Workflow): boolean {
  const { group, 'cancel-in-progress': cancels, queue } = mapping(value['concurrency']);
  const isOfBranch = typeof group === 'string' && /^[-\w]+-\$\{\{ github\.ref_name \}\}$/.test(group);
  const push = mapping(events['push']);
  const isPush = Object.keys(events).join() === 'push' && Object.keys(push).join() === 'branches';
  return isOfBranch && isPush && cancels === false && queue === undefined && uses !== undefined;
}
