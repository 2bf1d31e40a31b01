import { data, Evaluator, Lexer, Parser } from '@actions/expressions';
import {
  Binary,
  ContextAccess,
  type Expr,
  FunctionCall,
  Grouping,
  IndexAccess,
  Literal,
  Logical,
  Unary,
} from '@actions/expressions/ast';
import { childPointer } from '@slipway/core/util/yaml-document';

/** What GitHub lets expressions name. @see https://docs.github.com/actions/reference/workflows-and-actions/contexts */
const CONTEXTS = [
  'github',
  'env',
  'vars',
  'job',
  'jobs',
  'steps',
  'runner',
  'secrets',
  'strategy',
  'matrix',
  'needs',
  'inputs',
];

/** The functions that are not the parser's own. */
const FUNCTIONS = ['success', 'failure', 'always', 'cancelled', 'hashFiles'].map((name) => ({
  name,
  minArgs: 0,
  maxArgs: 255,
  call: () => {
    throw new Error('expressions are read here, not evaluated');
  },
}));

/** `${{ … }}`; a text in single quotes may hold braces, and a quote in it is doubled. */
const PLACEHOLDER = /\$\{\{((?:'(?:[^']|'')*'|[^'}]|\}(?!\}))*)\}\}/g;

/** One expression of a workflow file, read but not evaluated. */
export interface Expression {
  readonly text: string;
  /** Where the text that holds it stands (JSON pointer). */
  readonly pointer: string;
  /** All its parts, the whole one first; empty when GitHub could not read it either. */
  readonly nodes: readonly Expr[];
  /** Why it cannot be read. */
  readonly error: string | undefined;
}

/** A name such as `steps.sync.outputs.images`, in its parts; undefined for a part that is computed. */
export type Reference = readonly (string | undefined)[];

/** Lists every expression in the texts of a YAML value; an `if` is one with or without `${{ }}`. */
export function* listExpressions(value: unknown, pointer = ''): Generator<Expression> {
  if (typeof value === 'string') {
    const texts = [...value.matchAll(PLACEHOLDER)].map(([, text = '']) => text);
    if (pointer.endsWith('/if') && !value.includes('${{')) texts.push(value);
    for (const text of texts) yield parse(text, pointer);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) yield* listExpressions(child, childPointer(pointer, key));
  }
}

function parse(text: string, pointer: string): Expression {
  try {
    if (text.trim() === '') throw new Error('it is empty');
    const { tokens } = new Lexer(text).lex();
    const nodes = [...walk(new Parser(tokens, CONTEXTS, FUNCTIONS).parse())];
    return { text: text.trim(), pointer, nodes, error: undefined };
  } catch (error) {
    return { text: text.trim(), pointer, nodes: [], error: error instanceof Error ? error.message : String(error) };
  }
}

function* walk(node: Expr): Generator<Expr> {
  yield node;
  for (const child of childrenOf(node)) yield* walk(child);
}

function childrenOf(node: Expr): readonly Expr[] {
  if (node instanceof IndexAccess) return [node.expr, node.index];
  if (node instanceof FunctionCall || node instanceof Logical) return node.args;
  if (node instanceof Binary) return [node.left, node.right];
  if (node instanceof Unary) return [node.expr];
  if (node instanceof Grouping) return [node.group];
  return [];
}

/** Returns the names that an expression uses, each as long as it is written: `a.b.c`, not `a` and `a.b` too. */
export function referencesOf({ nodes }: Expression): Reference[] {
  const inner = new Set(nodes.flatMap((node) => (node instanceof IndexAccess ? [node.expr] : [])));
  return nodes.flatMap((node) => {
    const reference = inner.has(node) ? undefined : referenceOf(node);
    return reference === undefined ? [] : [reference];
  });
}

/** Returns the parts of a name; undefined for what is none, such as the result of a function. */
function referenceOf(node: Expr): Reference | undefined {
  if (node instanceof ContextAccess) return [node.name.lexeme.toLowerCase()];
  if (!(node instanceof IndexAccess)) return undefined;
  const before = referenceOf(node.expr);
  return before === undefined ? undefined : [...before, literalOf(node.index)];
}

/** Returns the calls of one function; names of functions have no case. */
export function callsOf({ nodes }: Expression, name: string): FunctionCall[] {
  return nodes.filter(
    (node): node is FunctionCall =>
      node instanceof FunctionCall && node.functionName.lexeme.toLowerCase() === name.toLowerCase(),
  );
}

/** Returns whether an expression only says whether there is something: `secrets.x != ''`. */
export function isPresence({ nodes: [root] }: Expression): boolean {
  if (!(root instanceof Binary) || root.operator.lexeme !== '!=') return false;
  return literalOf(root.left) === '' || literalOf(root.right) === '';
}

/** Returns what an expression gives for these inputs, as plain JSON. */
export function evaluate({ nodes: [root] }: Expression, inputs: Readonly<Record<string, string>>): unknown {
  if (root === undefined) return undefined;
  const pairs = Object.entries(inputs).map(([key, value]) => ({ key, value: new data.StringData(value) }));
  const contexts = new data.Dictionary({ key: 'inputs', value: new data.Dictionary(...pairs) });
  return JSON.parse(JSON.stringify(new Evaluator(root, contexts).evaluate(), data.replacer));
}

/** Returns the text of a quoted text; undefined for anything else. */
export function literalOf(node: Expr | undefined): string | undefined {
  return node instanceof Literal ? node.literal.coerceString() : undefined;
}
