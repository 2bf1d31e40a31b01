import { childPointer } from '@slipway/core/util/yaml-document';
import { calledWorkflow } from '../library.ts';
import type { Mapping, Workflow } from '../read-workflow.ts';
import { at, type Rule } from '../rule.ts';

const ORDER: readonly unknown[] = [undefined, 'none', 'read', 'write'];

/**
 * A job that calls a workflow grants what the jobs in there ask for: GitHub refuses a run with less, and more is power
 * that nobody uses.
 *
 * @see https://docs.github.com/actions/how-tos/reuse-automations/reuse-workflows#supported-keywords-for-jobs-that-call-a-reusable-workflow
 */
export const grantedPermissions: Rule = (workflow, library) =>
  workflow.jobs.flatMap((job) => {
    const callee = calledWorkflow(job, workflow, library);
    if (callee === undefined) return [];
    const needed = neededPermissions(callee);
    const granted = job.permissions ?? {};
    return [...new Set([...Object.keys(needed), ...Object.keys(granted)])].flatMap((scope) => {
      const [need, grant] = [needed[scope] ?? 'none', granted[scope] ?? 'none'];
      if (need === grant) return [];
      const place = scope in granted ? childPointer(`${job.pointer}/permissions`, scope) : `${job.pointer}/permissions`;
      return [at(workflow, place, `${job.uses} asks for ${scope}: ${need}, job ${job.id} grants ${grant}`)];
    });
  });

/** Returns what a workflow's jobs ask for, together. */
export function neededPermissions({ jobs }: Workflow): Mapping {
  const needed: Record<string, unknown> = {};
  for (const [scope, level] of jobs.flatMap(({ permissions }) => Object.entries(permissions ?? {}))) {
    if (ORDER.indexOf(level) > ORDER.indexOf(needed[scope])) needed[scope] = level;
  }
  return needed;
}
