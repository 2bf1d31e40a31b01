import { at, type Rule } from '../rule.ts';

/** GitHub lets a job that hangs go on for six hours. A job that calls a workflow cannot have a limit of its own. */
export const timeouts: Rule = (workflow) =>
  workflow.jobs
    .filter(({ uses, value }) => uses === undefined && value['timeout-minutes'] === undefined)
    .map(({ id, pointer }) => at(workflow, pointer, `job ${id} has no \`timeout-minutes\``));
