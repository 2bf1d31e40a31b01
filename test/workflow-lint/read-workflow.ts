import { isRecord } from '@slipway/core/util/record';
import { childPointer, parseYaml, type YamlDocument, YamlError } from '@slipway/core/util/yaml-document';
import { type Expression, isPresence, listExpressions, referencesOf } from './expression.ts';

/** A workflow file, or a page's example of one, whose lines are where they are in the page. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

/** Which rules hold: for what others call, for what runs here, and for what others copy. */
export type WorkflowKind = 'reusable' | 'own' | 'example';

export type Mapping = Readonly<Record<string, unknown>>;

export interface Step {
  readonly pointer: string;
  readonly value: Mapping;
  readonly id: string | undefined;
  readonly uses: string | undefined;
  readonly with: Mapping;
}

export interface Job {
  readonly id: string;
  readonly pointer: string;
  readonly value: Mapping;
  /** The reusable workflow that the job calls. */
  readonly uses: string | undefined;
  readonly with: Mapping;
  readonly needs: readonly string[];
  readonly steps: readonly Step[];
  /** What the job's token may do; undefined where the job does not say. */
  readonly permissions: Mapping | undefined;
}

/** A workflow file as the rules read it. */
export interface Workflow {
  readonly file: string;
  readonly kind: WorkflowKind;
  readonly value: Mapping;
  /** Each event with its filters, inputs and the like. */
  readonly events: Mapping;
  readonly jobs: readonly Job[];
  readonly expressions: readonly Expression[];
  lineOf(pointer: string, part?: 'key' | 'value'): number;
  /** Returns the comment at the end of a line, without its `#`. */
  commentOn(line: number): string | undefined;
  /** Returns whether the line before this one is a comment and nothing else. */
  hasCommentAbove(line: number): boolean;
}

/** Reads a workflow file; throws an error for what is no YAML. What a workflow must not hold, the rules say. */
export function readWorkflow({ file, text }: SourceFile): Workflow {
  const document = parse(file, text);
  const value = mapping(document.value);
  const events = readEvents(value['on']);
  const lines = text.split('\n');
  return {
    file,
    kind: kindOf(file, events),
    value,
    events,
    jobs: Object.entries(mapping(value['jobs'])).map(([id, job]) => readJob(id, mapping(job))),
    expressions: [...listExpressions(value)],
    lineOf: (pointer, part = 'key') => document.positionOf(pointer, part).line,
    commentOn: (line) => readComment(lines[line - 1] ?? ''),
    hasCommentAbove: (line) => /^\s*#\s*\S/.test(lines[line - 2] ?? ''),
  };
}

function parse(file: string, text: string): YamlDocument {
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new Error(`${file}:${error.position.line}: ${error.message}`);
  }
}

function kindOf(file: string, events: Mapping): WorkflowKind {
  if (!file.startsWith('.github/')) return 'example';
  return 'workflow_call' in events ? 'reusable' : 'own';
}

function readEvents(on: unknown): Mapping {
  if (typeof on === 'string') return { [on]: null };
  if (Array.isArray(on)) return Object.fromEntries(on.map((event) => [String(event), null]));
  return mapping(on);
}

function readJob(id: string, value: Mapping): Job {
  const pointer = childPointer('/jobs', id);
  const steps = Array.isArray(value['steps']) ? value['steps'] : [];
  const permissions = value['permissions'];
  return {
    id,
    pointer,
    value,
    uses: text(value['uses']),
    with: mapping(value['with']),
    needs: [value['needs'] ?? []].flat().map(String),
    steps: steps.map((step, index) => readStep(`${pointer}/steps/${index}`, mapping(step))),
    permissions: isRecord(permissions) ? permissions : undefined,
  };
}

function readStep(pointer: string, value: Mapping): Step {
  return { pointer, value, id: text(value['id']), uses: text(value['uses']), with: mapping(value['with']) };
}

/** Returns a mapping as it is, and an empty one for anything else: a key without a value is none. */
export function mapping(value: unknown): Mapping {
  return isRecord(value) ? value : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Quoted texts may hold a `#`, and so may words: a comment's has a space before it. */
function readComment(line: string): string | undefined {
  return /\s#\s*(\S.*)$/.exec(line.replace(/'[^']*'|"[^"]*"/g, "''"))?.[1];
}

/** Returns the expressions in one part of a workflow. */
export function expressionsIn({ expressions }: Workflow, pointer: string): Expression[] {
  return expressions.filter((expression) => `${expression.pointer}/`.startsWith(`${pointer}/`));
}

/** Returns the names (as `secretName` gives them) of the secrets whose values a part of a workflow gets. */
export function secretsIn(workflow: Workflow, pointer: string): string[] {
  const given = expressionsIn(workflow, pointer).filter((expression) => !isPresence(expression));
  const names = given.flatMap((expression) =>
    referencesOf(expression).flatMap(([context, name]) =>
      context === 'secrets' && name !== undefined ? [secretName(name)] : [],
    ),
  );
  return [...new Set(names)];
}

/** Secrets have no case; a repository's are written `LIKE_THIS`, those of a reusable workflow `like-this`. */
export function secretName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
