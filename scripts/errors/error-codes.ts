import { readArguments } from './arguments.ts';

/** Where a code or a rule stands in the sources: `path:line`. */
export type Places = ReadonlyMap<string, readonly string[]>;

export interface ErrorCodes {
  readonly codes: Places;
  /** The rules of findings that are made on the spot; those of plugins stand in lists of their own. */
  readonly rules: Places;
  /** Places whose code could not be read: it is neither a literal nor one of the few ways to hand one on. */
  readonly unread: readonly string[];
}

const CODE = /^'([a-z][a-z0-9]*(?:-[a-z0-9]+)*)'$/;

/** The code of an error that is said again with its place, and the rule of a finding that stops a build. */
const HANDED_ON = ['error.code', 'error.rule', 'codeOf(error)'];

/** Finds the codes of all errors that the sources throw, and the rules of the findings that they report. */
export function findErrorCodes(sources: ReadonlyMap<string, string>): ErrorCodes {
  const all = [...sources.values()].join('\n');
  const errors = findErrorClasses(all);
  const codes = new Map<string, string[]>();
  const rules = new Map<string, string[]>();
  const unread: string[] = [];
  const note = (found: Map<string, string[]>, expression: string, path: string, text: string, index: number): void => {
    const place = `${path}:${text.slice(0, index).split('\n').length}`;
    const names = resolve(expression, text, all);
    if (names === undefined) unread.push(`${place}: ${expression}`);
    for (const name of names ?? []) found.set(name, [...(found.get(name) ?? []), place]);
  };
  for (const [path, text] of sources) {
    for (const match of text.matchAll(/\bnew (\w+)\(|\bsuper\(|\bruntime\.fail\(/g)) {
      if (!saysCode(match, text, errors)) continue;
      const [code = ''] = readArguments(text, match.index + match[0].length);
      if (!HANDED_ON.includes(code)) note(codes, code, path, text, match.index);
    }
    for (const match of text.matchAll(/[{,\n]\s*rule(?:: ([^,}\n]+))?(?=,|\s\})/g)) {
      const rule = match[1] ?? 'rule';
      // Types say what a rule is, and the rules of plugins have lists of their own.
      const isDeclared = rule === 'string' || rule === 'rule.id';
      // A shorthand makes a finding where a severity is given beside it, and takes one apart elsewhere.
      const isMade = match[1] !== undefined || /\bseverity: /.test(text.slice(match.index, match.index + 80));
      if (isMade && !isDeclared) note(rules, rule, path, text, match.index);
    }
  }
  return { codes, rules, unread };
}

/** Returns whether the first argument of a call is a code. */
function saysCode(call: RegExpExecArray, text: string, errors: ReadonlyMap<string, 'given' | 'own'>): boolean {
  if (call[0].startsWith('runtime')) return true;
  if (call[1] !== undefined) return errors.get(call[1]) === 'given';
  const around = [...text.slice(0, call.index).matchAll(/\bclass (\w+)/g)].at(-1)?.[1];
  return around !== undefined && errors.get(around) === 'own';
}

/**
 * Returns the classes of errors with a code: `given` when whoever makes one says it first, `own` when the class says it
 * itself, in its call of `super`.
 */
function findErrorClasses(all: string): ReadonlyMap<string, 'given' | 'own'> {
  const classes = new Map<string, 'given' | 'own'>([
    ['ConfigurationError', 'given'],
    ['ActionError', 'given'],
  ]);
  const declared = [...all.matchAll(/\bclass (\w+) extends (\w+) \{(?:\}|(.*?)\n\})/gs)];
  for (let size = 0; size !== classes.size; ) {
    size = classes.size;
    for (const [, name = '', base = '', body = ''] of declared) {
      if (!classes.has(base) || classes.has(name)) continue;
      const first = /\bconstructor\(\s*(\w+)/.exec(body)?.[1];
      classes.set(name, first === undefined || first === 'code' ? (classes.get(base) ?? 'given') : 'own');
    }
  }
  return classes;
}

/** Returns the codes that an expression can be; undefined when that cannot be read. */
function resolve(expression: string, text: string, all: string): string[] | undefined {
  const literal = CODE.exec(expression)?.[1];
  if (literal !== undefined) return [literal];
  const branches = /\?\s*('[^']*')\s*:\s*('[^']*')$/.exec(expression);
  if (branches !== null) return branches.slice(1).flatMap((branch) => CODE.exec(branch)?.[1] ?? []);
  const called = /^(\w+)\(/.exec(expression)?.[1];
  if (called !== undefined) return literalsOf(bodyOf(called, text), /\breturn\b[^;]*;/g);
  if (!/^\w+$/.test(expression)) return undefined;
  const isShared = /^[A-Z_]+$/.test(expression);
  const value = new RegExp(`\\bconst ${expression} = ([^;]+);`).exec(isShared ? all : text)?.[1];
  if (value !== undefined) return resolve(value, text, all);
  // `[code, cure]`, whose codes stand first in the tables of the file.
  if (new RegExp(`\\bconst \\[${expression}, `).test(text)) return literalsOf(text, /\[\s*'[a-z0-9-]+',/g);
  return ofCallers(expression, text);
}

function bodyOf(name: string, text: string): string {
  return new RegExp(`\\bfunction ${name}\\(.*?\\n\\}`, 's').exec(text)?.[0] ?? '';
}

function literalsOf(text: string, pattern: RegExp): string[] | undefined {
  const found = [...text.matchAll(pattern)].flatMap(([part]) =>
    [...part.matchAll(/'[^']*'/g)].flatMap(([quoted]) => CODE.exec(quoted)?.[1] ?? []),
  );
  return found.length === 0 ? undefined : [...new Set(found)];
}

/** A function of the same file takes the code as a parameter: whoever calls it says the code. */
function ofCallers(parameter: string, text: string): string[] | undefined {
  const found: string[] = [];
  for (const { 1: name = '', index, 0: head } of text.matchAll(/\b(?:const|function) (\w+)(?: = (?:async )?)?\(/g)) {
    const position = readArguments(text, index + head.length).indexOf(`${parameter}: string`);
    if (position === -1) continue;
    for (const call of text.matchAll(new RegExp(`\\b(?<!function )${name}\\(`, 'g'))) {
      const code = CODE.exec(readArguments(text, call.index + call[0].length)[position] ?? '')?.[1];
      if (code === undefined) return undefined;
      found.push(code);
    }
  }
  return found.length === 0 ? undefined : found;
}
