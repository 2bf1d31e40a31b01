import { childPointer } from '@slipway/core/util/yaml-document';
import { referencesOf } from '../expression.ts';
import { calledWorkflow, type Library } from '../library.ts';
import { expressionsIn, type Job, type Mapping, mapping, type Workflow } from '../read-workflow.ts';
import { at, type Problem, type Rule } from '../rule.ts';
import { isRequired } from './action-calls.ts';

/** Jobs give a called workflow what it takes, and read what other jobs give. */
export const workflowCalls: Rule = (workflow, library) => [
  ...workflow.jobs.flatMap((job) => [...checkCall(job, workflow, library), ...checkNeeds(job, workflow, library)]),
  ...checkOutputs(workflow, library),
];

function checkCall(job: Job, workflow: Workflow, library: Library): Problem[] {
  if (job.uses === undefined) return [];
  const callee = calledWorkflow(job, workflow, library);
  if (callee === undefined || !('workflow_call' in callee.events)) {
    return [at(workflow, `${job.pointer}/uses`, `${job.uses} is no workflow that can be called`)];
  }
  const call = mapping(callee.events['workflow_call']);
  return [
    ...checkGiven(job, 'with', 'input', mapping(call['inputs']), workflow),
    ...checkGiven(job, 'secrets', 'secret', mapping(call['secrets']), workflow),
  ];
}

function checkGiven(job: Job, key: string, kind: string, declared: Mapping, workflow: Workflow): Problem[] {
  const given = mapping(job.value[key]);
  const place = `${job.pointer}/${key}`;
  return [
    ...Object.keys(given)
      .filter((name) => !(name in declared))
      .map((name) => at(workflow, childPointer(place, name), `${job.uses} has no ${kind} ${name}`)),
    ...Object.entries(declared)
      .filter(([name, value]) => isRequired(mapping(value)) && !(name in given))
      .map(([name]) => at(workflow, `${job.pointer}/uses`, `${job.uses} needs the ${kind} ${name}`)),
  ];
}

function checkNeeds(job: Job, workflow: Workflow, library: Library): Problem[] {
  return expressionsIn(workflow, job.pointer).flatMap((expression) =>
    referencesOf(expression).flatMap(([context, id, part, name]) => {
      if (context !== 'needs' || id === undefined) return [];
      const problem = (message: string): Problem[] => [at(workflow, expression.pointer, message)];
      if (!job.needs.includes(id)) return problem(`job ${job.id} does not need ${id}`);
      if (part !== 'outputs' || name === undefined || hasOutput(id, name, workflow, library)) return [];
      return problem(`job ${id} has no output ${name}`);
    }),
  );
}

function checkOutputs(workflow: Workflow, library: Library): Problem[] {
  return expressionsIn(workflow, '/on/workflow_call/outputs').flatMap((expression) =>
    referencesOf(expression).flatMap(([context, id, , name]) => {
      if (context !== 'jobs' || id === undefined || name === undefined) return [];
      if (hasOutput(id, name, workflow, library)) return [];
      return [at(workflow, expression.pointer, `job ${id} has no output ${name}`)];
    }),
  );
}

function hasOutput(id: string, name: string, workflow: Workflow, library: Library): boolean {
  const job = workflow.jobs.find((candidate) => candidate.id === id);
  if (job === undefined) return false;
  if (job.uses === undefined) return name in mapping(job.value['outputs']);
  const callee = calledWorkflow(job, workflow, library);
  return name in mapping(mapping(callee?.events['workflow_call'])['outputs']);
}
