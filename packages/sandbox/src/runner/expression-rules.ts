import { checkExpression, conditionExpression, expressionsOf } from './expressions.ts';
import { at } from './reason.ts';

const JOB = ['github', 'needs', 'strategy', 'matrix', 'vars', 'inputs'] as const;
const STEP_IF = [...JOB, 'job', 'runner', 'env', 'steps'] as const;
const STEP = [...STEP_IF, 'secrets'] as const;

/**
 * Which contexts the expressions of a key may name. `secrets` is in no condition, so that none can leak by it.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-availability
 */
const CONTEXTS = {
  workflow: ['github', 'inputs', 'vars'],
  workflowEnv: ['github', 'secrets', 'inputs', 'vars'],
  jobIf: ['github', 'needs', 'vars', 'inputs'],
  strategy: ['github', 'needs', 'vars', 'inputs'],
  job: JOB,
  jobDefaults: [...JOB, 'env'],
  jobSecrets: [...JOB, 'secrets'],
  stepIf: STEP_IF,
  step: STEP,
  callOutput: ['github', 'jobs', 'vars', 'inputs'],
} as const satisfies Record<string, readonly string[]>;

export type ExpressionRule = keyof typeof CONTEXTS;

/** Throws for an expression in a value, however deep, that GitHub would not take there; `place` says where it stands. */
export function checkValue(value: unknown, rule: ExpressionRule, place: string): void {
  if (typeof value === 'string') {
    at(place, () => {
      for (const expression of expressionsOf(value)) checkExpression(expression, CONTEXTS[rule], false);
    });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, entry] of Object.entries(value)) {
    checkValue(entry, rule, Array.isArray(value) ? `${place}[${key}]` : `${place}.${key}`);
  }
}

/** Like {@link checkValue}, for an `if:`. */
export function checkCondition(
  condition: string | undefined,
  rule: 'jobIf' | 'stepIf',
  place: string,
): string | undefined {
  at(place, () => checkExpression(conditionExpression(condition), CONTEXTS[rule], true));
  return condition;
}
