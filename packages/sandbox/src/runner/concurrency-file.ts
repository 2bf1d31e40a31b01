import { checkValue, type ExpressionRule } from './expression-rules.ts';
import { type Contexts, evaluateText } from './expressions.ts';
import { at } from './reason.ts';
import { asMapping, asText, refuseOtherKeys } from './yaml-value.ts';

/** `concurrency:` as it is written. */
export interface ConcurrencyTemplate {
  readonly place: string;
  readonly group: string;
  readonly cancelInProgress: string;
  readonly queue: 'single' | 'max';
}

/** What a run or a job asks of its group. */
export interface Concurrency {
  readonly group: string;
  readonly cancelInProgress: boolean;
  readonly queue: 'single' | 'max';
}

/** Reads `concurrency:` of a workflow or a job; a text is the group alone. */
export function readConcurrency(value: unknown, rule: ExpressionRule, place: string): ConcurrencyTemplate | undefined {
  if (value === undefined) return undefined;
  const given = typeof value === 'string' ? { group: value } : asMapping(value, place);
  refuseOtherKeys(given, ['group', 'cancel-in-progress', 'queue'], place);
  checkValue(given, rule, place);
  const queue = given['queue'] ?? 'single';
  if (queue !== 'single' && queue !== 'max') throw new Error(`${place}.queue must be single or max`);
  const cancelInProgress = asText(given['cancel-in-progress'] ?? false, `${place}.cancel-in-progress`);
  if (queue === 'max' && cancelInProgress !== 'false') {
    throw new Error(`${place} cannot have both 'queue: max' and 'cancel-in-progress: ${cancelInProgress}'`);
  }
  return { place, group: asText(given['group'], `${place}.group`), cancelInProgress, queue };
}

/** Evaluates what {@link readConcurrency} read. */
export function evaluateConcurrency(template: ConcurrencyTemplate, contexts: Contexts): Concurrency {
  return at(template.place, () => {
    const group = evaluateText(template.group, contexts);
    if (group === '') throw new Error('the group is empty');
    return {
      group,
      cancelInProgress: evaluateText(template.cancelInProgress, contexts) === 'true',
      queue: template.queue,
    };
  });
}
