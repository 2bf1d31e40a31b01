import { childPointer } from '@slipway/core/util/yaml-document';
import type { Job, Workflow } from '../read-workflow.ts';
import { at, type Problem, type Rule } from '../rule.ts';

const LEVELS: readonly unknown[] = ['read', 'write', 'none'];

/** Nothing for the whole file, the least for each job, and a reason beside each permission. */
export const permissions: Rule = (workflow) => [
  ...checkTop(workflow),
  ...workflow.jobs.flatMap((job) => checkJob(job, workflow)),
];

function checkTop(workflow: Workflow): Problem[] {
  const top = workflow.value['permissions'];
  if (typeof top === 'object' && top !== null && Object.keys(top).length === 0) return [];
  return [at(workflow, '/permissions', 'begin with `permissions: {}`, so that a job has only what it asks for')];
}

function checkJob({ id, pointer, permissions: granted }: Job, workflow: Workflow): Problem[] {
  const place = `${pointer}/permissions`;
  if (granted === undefined) {
    return [at(workflow, place, `job ${id} does not list its permissions; \`{}\` when it needs none`)];
  }
  return Object.entries(granted).flatMap(([scope, level]) => {
    const entry = childPointer(place, scope);
    const wrong = LEVELS.includes(level) ? [] : [at(workflow, entry, `${scope}: ${level} is no permission`)];
    const reason = workflow.commentOn(workflow.lineOf(entry));
    return reason === undefined
      ? [...wrong, at(workflow, entry, `${scope}: ${level} has no reason behind it; write \`# why\``)]
      : wrong;
  });
}
