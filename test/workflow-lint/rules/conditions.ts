import { Literal } from '@actions/expressions/ast';
import { callsOf, type Expression, literalOf, referencesOf } from '../expression.ts';
import type { Workflow } from '../read-workflow.ts';
import { at, type Problem, type Rule } from '../rule.ts';

/** Who caused the event, which is not who wrote what it is about. */
const ACTORS = ['github.actor', 'github.triggering_actor'];

/** A condition says what it seems to say. */
export const conditions: Rule = (workflow) => [
  ...workflow.expressions.flatMap((expression) => checkExpression(expression, workflow)),
  ...workflow.jobs.flatMap((job) => [
    ...checkIf(job.pointer, job.value['if'], workflow),
    ...job.steps.flatMap((step) => checkIf(step.pointer, step.value['if'], workflow)),
  ]),
];

function checkExpression(expression: Expression, workflow: Workflow): Problem[] {
  const problem = (message: string): Problem => at(workflow, expression.pointer, message);
  if (expression.error !== undefined) return [problem(`'${expression.text}' is no expression: ${expression.error}`)];
  const found = [];
  if (callsOf(expression, 'contains').some(({ args: [first] }) => first instanceof Literal)) {
    found.push(problem(`'${expression.text}' looks for a part of a text, not for an element of a list`));
  }
  const namesActor = referencesOf(expression).some((reference) => ACTORS.includes(reference.join('.')));
  if (namesActor && expression.nodes.some((node) => literalOf(node)?.includes('[bot]'))) {
    found.push(problem(`'${expression.text}' trusts who acted last; ask for the author's login or id`));
  }
  return found;
}

/** Text beside `${{ }}`, be it the line end of `if: |`, makes of a condition a text, which is always true. */
function checkIf(pointer: string, condition: unknown, workflow: Workflow): Problem[] {
  if (typeof condition !== 'string' || !condition.includes('${{')) return [];
  if (/^\$\{\{(?:(?!\}\}).)*\}\}$/s.test(condition)) return [];
  return [at(workflow, `${pointer}/if`, 'a condition with text beside its ${{ }} is always true')];
}
