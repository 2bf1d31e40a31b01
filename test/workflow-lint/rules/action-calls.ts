import { childPointer } from '@slipway/core/util/yaml-document';
import { referencesOf } from '../expression.ts';
import { type Library, parseUse } from '../library.ts';
import { expressionsIn, type Job, type Mapping, mapping, type Step, type Workflow } from '../read-workflow.ts';
import { at, type Problem, type Rule } from '../rule.ts';

/** Steps give our actions the inputs that these have, and read the outputs that steps have. */
export const actionCalls: Rule = (workflow, library) =>
  workflow.jobs.flatMap((job) => [
    ...job.steps.flatMap((step) => checkInputs(step, workflow, library)),
    ...checkOutputs(job, workflow, library),
  ]);

function checkInputs({ uses = '', pointer, with: given }: Step, workflow: Workflow, library: Library): Problem[] {
  const use = parseUse(uses, workflow);
  if (use.kind !== 'action') return [];
  const action = library.actions.get(use.name);
  if (action === undefined) return [at(workflow, `${pointer}/uses`, `there is no action ${use.name}`)];
  return [
    ...Object.keys(given)
      .filter((name) => !(name in action.inputs))
      .map((name) => at(workflow, childPointer(`${pointer}/with`, name), `${use.name} has no input ${name}`)),
    ...Object.entries(action.inputs)
      .filter(([name, input]) => isRequired(mapping(input)) && !(name in given))
      .map(([name]) => at(workflow, `${pointer}/uses`, `${use.name} needs the input ${name}`)),
  ];
}

/** Returns whether an input or a secret must be given. */
export function isRequired({ required, default: fallback }: Mapping): boolean {
  return required === true && fallback === undefined;
}

function checkOutputs(job: Job, workflow: Workflow, library: Library): Problem[] {
  return expressionsIn(workflow, job.pointer).flatMap((expression) =>
    referencesOf(expression).flatMap(([context, id, part, name]) => {
      if (context !== 'steps' || id === undefined) return [];
      const step = job.steps.find((candidate) => candidate.id === id);
      if (step === undefined) return [at(workflow, expression.pointer, `job ${job.id} has no step ${id}`)];
      if (part !== 'outputs' || name === undefined || hasOutput(step, name, workflow, library)) return [];
      return [at(workflow, expression.pointer, `step ${id} has no output ${name}`)];
    }),
  );
}

/** What a script gives stands in its text; what an action of others gives is not known here. */
function hasOutput({ uses, value }: Step, name: string, workflow: Workflow, library: Library): boolean {
  if (uses === undefined)
    return String(value['run']).includes(`${name}=`) || String(value['run']).includes(`${name}<<`);
  const use = parseUse(uses, workflow);
  if (use.kind !== 'action') return true;
  const action = library.actions.get(use.name);
  return action === undefined || name in action.outputs;
}
