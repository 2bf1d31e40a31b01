import { data, Evaluator, Lexer, Parser } from '@actions/expressions';
import type { FunctionDefinition } from '@actions/expressions/funcs/info';
import { truthy } from '@actions/expressions/result';
import { at } from './reason.ts';

/** What expressions can name: `github`, `env`, `steps`, … with their values as plain JSON. */
export type Contexts = Readonly<Record<string, unknown>>;

/** How a job stands when a step's turn comes. */
export type JobStatus = 'success' | 'failure' | 'cancelled';

/** `${{ … }}`; a text in single quotes may hold braces, and a quote in it is doubled. */
const PLACEHOLDER = /\$\{\{((?:'(?:[^']|'')*'|[^'}]|\}(?!\}))*)\}\}/g;

/**
 * Returns `text` with every `${{ }}` in it evaluated; throws for an expression that GitHub would refuse.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
 */
export function evaluateText(text: string, contexts: Contexts): string {
  return replacePlaceholders(text, (expression) => evaluate(expression, contexts).coerceString());
}

/**
 * Decides an `if:`. Without a status function in it, `success()` is implied; an absent one is `success()` alone.
 *
 * A condition with text around its `${{ }}` is refused: GitHub takes it for a text, which is always true.
 */
export function evaluateCondition(condition: string | undefined, contexts: Contexts, status: JobStatus): boolean {
  const expression = unwrap(condition ?? '').trim() || 'success()';
  const functions = statusFunctions(status);
  const result = truthy(evaluate(expression, contexts, functions));
  return namesStatus(expression, functions) ? result : result && status === 'success';
}

function replacePlaceholders(text: string, replace: (expression: string) => string): string {
  const rest = text.replace(PLACEHOLDER, '');
  if (rest.includes('${{')) throw new Error(`'${text}' has a \${{ without its }}`);
  return text.replace(PLACEHOLDER, (_, expression: string) => replace(expression));
}

function unwrap(condition: string): string {
  if (!condition.includes('${{')) return condition;
  const [whole, expression = ''] = [...condition.matchAll(PLACEHOLDER)][0] ?? [];
  if (whole === condition.trim()) return expression;
  throw new Error(
    `if: '${condition}' is a text with an expression in it, which is always true; write it without \${{ }}`,
  );
}

function evaluate(
  expression: string,
  contexts: Contexts,
  functions: ReadonlyMap<string, FunctionDefinition> = new Map(),
): data.ExpressionData {
  return at(`cannot evaluate '${expression.trim()}'`, () => {
    // The parser gives nothing back for nothing, which its types do not say.
    if (expression.trim() === '') throw new Error('an expression was expected');
    const { tokens } = new Lexer(expression).lex();
    const parsed = new Parser(tokens, Object.keys(contexts), [...functions.values()]).parse();
    const pairs = Object.entries(contexts).map(([key, value]) => ({ key, value: toData(value) }));
    return new Evaluator(parsed, new data.Dictionary(...pairs), new Map(functions)).evaluate();
  });
}

function toData(value: unknown): data.ExpressionData {
  return JSON.parse(JSON.stringify(value ?? null), data.reviver);
}

function statusFunctions(status: JobStatus): Map<string, FunctionDefinition> {
  const verdicts = {
    success: status === 'success',
    failure: status === 'failure',
    cancelled: status === 'cancelled',
    always: true,
  };
  return new Map(
    Object.entries(verdicts).map(([name, verdict]) => [
      name,
      { name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(verdict) },
    ]),
  );
}

/** A name of a status function inside a quoted text is none, so the tokens are looked at. */
function namesStatus(expression: string, functions: ReadonlyMap<string, FunctionDefinition>): boolean {
  const { tokens } = new Lexer(expression).lex();
  return tokens.some(({ lexeme }, index) => functions.has(lexeme.toLowerCase()) && tokens[index + 1]?.lexeme === '(');
}
