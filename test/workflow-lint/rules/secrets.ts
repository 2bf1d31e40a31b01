import { referencesOf } from '../expression.ts';
import { at, type Rule } from '../rule.ts';

/** Secrets go by name to who needs them, and decide nothing. */
export const secrets: Rule = (workflow) => [
  ...workflow.jobs.flatMap(({ pointer, value }) =>
    value['secrets'] === 'inherit'
      ? [at(workflow, `${pointer}/secrets`, '`secrets: inherit` gives away all of them; name those that are needed')]
      : [],
  ),
  ...workflow.expressions.flatMap((expression) =>
    referencesOf(expression)
      .filter(([context]) => context === 'secrets')
      .flatMap(([, name]) => {
        if (name === undefined) {
          return [at(workflow, expression.pointer, `'${expression.text}' takes more than one secret, by no name`)];
        }
        if (!expression.pointer.endsWith('/if')) return [];
        return [at(workflow, expression.pointer, '`secrets` cannot be used in `if`')];
      }),
  ),
];
