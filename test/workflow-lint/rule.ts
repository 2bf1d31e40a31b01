import type { Library } from './library.ts';
import type { Workflow } from './read-workflow.ts';

/** One thing that is wrong, and where. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Says what is wrong with a workflow; it reads nothing but what it is given. */
export type Rule = (workflow: Workflow, library: Library) => Problem[];

/** Makes problems of the places that a rule found. */
export function at(workflow: Workflow, pointer: string, message: string, part: 'key' | 'value' = 'key'): Problem {
  return { file: workflow.file, line: workflow.lineOf(pointer, part), message };
}

/** Writes a problem as tools do, so that an editor can jump to it. */
export function formatProblem({ file, line, message }: Problem): string {
  return `${file}:${line}: ${message}`;
}
