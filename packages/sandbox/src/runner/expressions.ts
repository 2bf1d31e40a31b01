import { data, Evaluator, type Expr, Lexer, Parser } from '@actions/expressions';
import type { FunctionDefinition } from '@actions/expressions/funcs/info';
import { truthy } from '@actions/expressions/result';
import { at } from './reason.ts';

/** What expressions can name: `github`, `env`, `steps`, … with their values as plain JSON. */
export type Contexts = Readonly<Record<string, unknown>>;

/** What the status functions answer: of a job about its ancestors, of a step about the job so far. */
export interface Standing {
  readonly success: boolean;
  readonly failure: boolean;
  readonly cancelled: boolean;
}

/** `${{ … }}`; a text in single quotes may hold braces, and a quote in it is doubled. */
const PLACEHOLDER = /\$\{\{((?:'(?:[^']|'')*'|[^'}]|\}(?!\}))*)\}\}/g;

const STATUS_FUNCTIONS = ['success', 'failure', 'cancelled', 'always'] as const;

/**
 * Returns `text` with every `${{ }}` in it evaluated; throws for an expression that GitHub would refuse.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
 */
export function evaluateText(text: string, contexts: Contexts): string {
  expressionsOf(text);
  return text.replace(PLACEHOLDER, (_, expression: string) => evaluate(expression, contexts).coerceString());
}

/**
 * Returns a value of a workflow file with every expression in it evaluated. A text that is one `${{ }}` and nothing else
 * becomes what the expression is: a boolean, a list, …
 */
export function evaluateValue(value: unknown, contexts: Contexts): unknown {
  if (typeof value === 'string') {
    const [expression, ...others] = expressionsOf(value);
    const alone = expression !== undefined && others.length === 0 && value.trim() === `\${{${expression}}}`;
    return alone ? toPlain(evaluate(expression, contexts)) : evaluateText(value, contexts);
  }
  if (Array.isArray(value)) return value.map((entry) => evaluateValue(entry, contexts));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, evaluateValue(entry, contexts)]));
}

/**
 * Decides an `if:`. Without a status function in it, `success()` is implied; an absent one is `success()` alone.
 *
 * A condition with text around its `${{ }}` is refused: GitHub takes it for a text, which is always true.
 */
export function evaluateCondition(condition: string | undefined, contexts: Contexts, standing: Standing): boolean {
  const expression = conditionExpression(condition);
  const result = truthy(evaluate(expression, contexts, statusFunctions(standing)));
  return namesStatus(expression) ? result : result && standing.success;
}

/** Returns the expressions that stand in a text; throws where one has no end. */
export function expressionsOf(text: string): string[] {
  const rest = text.replace(PLACEHOLDER, '');
  if (rest.includes('${{')) throw new Error(`'${text}' has a \${{ without its }}`);
  return [...text.matchAll(PLACEHOLDER)].map(([, expression = '']) => expression);
}

/** Returns the expression of an `if:`, which may stand in `${{ }}` or not. */
export function conditionExpression(condition: string | undefined): string {
  return unwrap(condition ?? '').trim() || 'success()';
}

/**
 * Throws when an expression cannot be parsed, or names a context that is not among `contexts`, or a status function where
 * there is no status.
 */
export function checkExpression(expression: string, contexts: readonly string[], withStatus: boolean): void {
  parse(expression, contexts, withStatus ? statusFunctions({ success: true, failure: false, cancelled: false }) : NONE);
}

const NONE: ReadonlyMap<string, FunctionDefinition> = new Map();

function unwrap(condition: string): string {
  if (!condition.includes('${{')) return condition;
  const [whole, expression = ''] = [...condition.matchAll(PLACEHOLDER)][0] ?? [];
  if (whole === condition.trim()) return expression;
  throw new Error(
    `if: '${condition}' is a text with an expression in it, which is always true; write it without \${{ }}`,
  );
}

function parse(
  expression: string,
  contexts: readonly string[],
  functions: ReadonlyMap<string, FunctionDefinition>,
): Expr {
  return at(`cannot evaluate '${expression.trim()}'`, () => {
    // The parser gives nothing back for nothing, which its types do not say.
    if (expression.trim() === '') throw new Error('an expression was expected');
    const { tokens } = new Lexer(expression).lex();
    return new Parser(tokens, [...contexts], [...functions.values()]).parse();
  });
}

function evaluate(
  expression: string,
  contexts: Contexts,
  functions: ReadonlyMap<string, FunctionDefinition> = NONE,
): data.ExpressionData {
  const parsed = parse(expression, Object.keys(contexts), functions);
  // An event's payload is large; only contexts that the expression can name are converted.
  const named = Object.entries(contexts).filter(([key]) => expression.toLowerCase().includes(key.toLowerCase()));
  const pairs = named.map(([key, value]) => ({ key, value: toData(value) }));
  return at(`cannot evaluate '${expression.trim()}'`, () =>
    new Evaluator(parsed, new data.Dictionary(...pairs), new Map(functions)).evaluate(),
  );
}

function toData(value: unknown): data.ExpressionData {
  return JSON.parse(JSON.stringify(value ?? null), data.reviver);
}

function toPlain(value: data.ExpressionData): unknown {
  return JSON.parse(JSON.stringify(value, data.replacer));
}

function statusFunctions(standing: Standing): Map<string, FunctionDefinition> {
  const verdicts = { ...standing, always: true };
  return new Map(
    STATUS_FUNCTIONS.map((name) => [
      name,
      { name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(verdicts[name]) },
    ]),
  );
}

/** A name of a status function inside a quoted text is none, so the tokens are looked at. */
function namesStatus(expression: string): boolean {
  const names: readonly string[] = STATUS_FUNCTIONS;
  const { tokens } = new Lexer(expression).lex();
  return tokens.some(({ lexeme }, index) => names.includes(lexeme.toLowerCase()) && tokens[index + 1]?.lexeme === '(');
}
