import { isDeepStrictEqual } from 'node:util';
import { type Expression, evaluate } from '../expression.ts';
import { actionsOf } from '../library.ts';
import { expressionsIn, type Job, secretsIn, type Workflow } from '../read-workflow.ts';
import { at, type Rule } from '../rule.ts';
import { isOutward } from '../secret-kinds.ts';

/** The actions that always talk to a registry, an object store or a cluster, be it with the machine's own credentials. */
const OUTWARD_ACTIONS = ['build-distribution', 'bundle-package', 'rollout', 'sync-images', 'upload-oss'];

/** What talks to a network that only the user's own machines reach runs where the user says, by one label or several. */
export const runners: Rule = (workflow) => {
  if (workflow.kind !== 'reusable') return [];
  return workflow.jobs
    .filter((job) => job.uses === undefined && goesOut(job, workflow) && !takesRunner(job, workflow))
    .map(({ id, pointer }) =>
      at(
        workflow,
        `${pointer}/runs-on`,
        `job ${id} talks to what may be internal: take \`runs-on\` from the input runner, a name or a JSON array`,
      ),
    );
};

function goesOut(job: Job, workflow: Workflow): boolean {
  return (
    secretsIn(workflow, job.pointer).some(isOutward) ||
    actionsOf(job, workflow).some((name) => OUTWARD_ACTIONS.includes(name))
  );
}

function takesRunner(job: Job, workflow: Workflow): boolean {
  const [runsOn] = expressionsIn(workflow, `${job.pointer}/runs-on`);
  if (runsOn === undefined) return false;
  const chosen = ['label', '["one", "two"]'].map((runner) => choose(runsOn, runner));
  return isDeepStrictEqual(chosen, ['label', ['one', 'two']]);
}

/** Returns what an expression makes of the input; undefined when it makes an error of it, as `fromJSON` may. */
function choose(runsOn: Expression, runner: string): unknown {
  try {
    return evaluate(runsOn, { runner });
  } catch {
    return undefined;
  }
}
