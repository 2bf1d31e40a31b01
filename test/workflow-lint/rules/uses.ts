import { parseUse } from '../library.ts';
import type { Workflow } from '../read-workflow.ts';
import { at, type Problem, type Rule } from '../rule.ts';

const COMMIT = /^[0-9a-f]{40}$/;
const VERSION = /^v\d+\.\d+\.\d+(?:[-+]\S+)?(?:\s|$)/;

/** Events whose jobs have no secrets worth taking and publish nothing. */
const CHECKS = ['pull_request', 'merge_group'];

/** What runs is named so that nobody can put something else in its place. */
export const uses: Rule = (workflow) =>
  workflow.jobs.flatMap((job) => [
    ...(job.uses === undefined ? [] : checkUse(job.uses, job.pointer, 'job', workflow)),
    ...job.steps.flatMap((step) =>
      step.uses === undefined ? [] : checkUse(step.uses, step.pointer, 'step', workflow),
    ),
  ]);

function checkUse(name: string, pointer: string, from: 'job' | 'step', workflow: Workflow): Problem[] {
  const place = `${pointer}/uses`;
  const problem = (message: string): Problem[] => [at(workflow, place, message)];
  if (name.startsWith('docker://')) {
    return /@sha256:[0-9a-f]{64}$/.test(name) ? [] : problem(`${name} is not named by its digest`);
  }
  if (from === 'step' && name.startsWith('./') && workflow.kind === 'reusable') {
    return problem(`${name} is what an earlier step put into the workspace; write \`$/<name>\``);
  }
  const use = parseUse(name, workflow);
  if (use.kind === 'foreign') return name.startsWith('./') ? [] : checkPin(name, use.ref, place, workflow);
  if (workflow.kind === 'example') {
    return use.ref === undefined ? [] : checkExample(name, use.ref, pointer, workflow);
  }
  return use.ref === undefined ? [] : problem(`${name} is another commit than this file's; write \`$/<name>\``);
}

function checkPin(name: string, ref: string | undefined, place: string, workflow: Workflow): Problem[] {
  if (!COMMIT.test(ref ?? '')) return [at(workflow, place, `${name} is not named by a full commit id`)];
  const comment = workflow.commentOn(workflow.lineOf(place)) ?? '';
  if (VERSION.test(comment)) return [];
  return [at(workflow, place, `${name} has no version behind it; write \`# v1.2.3\``)];
}

/** What publishes is pinned; what only checks may follow `v1`, when it says why. */
function checkExample(name: string, ref: string, pointer: string, workflow: Workflow): Problem[] {
  const place = `${pointer}/uses`;
  const isCheck = Object.keys(workflow.events).every((event) => CHECKS.includes(event));
  if (!isCheck || !/^v\d+$/.test(ref)) return checkPin(name, ref, place, workflow);
  const line = workflow.lineOf(place);
  const isExplained = workflow.commentOn(line) !== undefined || workflow.hasCommentAbove(line);
  if (isExplained || workflow.hasCommentAbove(workflow.lineOf(pointer))) return [];
  return [at(workflow, place, `${name} follows a tag that moves, and does not say why that is fine here`)];
}
