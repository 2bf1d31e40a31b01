import { join } from 'node:path';
import type { SourceFile } from './read-workflow.ts';
import { formatProblem } from './rule.ts';
import { readWorkflowFiles, type WorkflowFiles } from './workflow-files.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');

/** A small repository in which rules are broken. */
export interface Fixture extends WorkflowFiles {
  readonly files: readonly SourceFile[];
  /** What is wrong, as tools write it. */
  readonly expected: readonly string[];
}

/**
 * Reads a fixture: a folder with workflow files where a repository has them. The actions that they call are shared.
 *
 * What is wrong with a file stands in it, in comments on lines of their own: `# <line>: <message>`.
 */
export function readFixture(name: string): Fixture {
  const { actions } = readWorkflowFiles(FIXTURES);
  const found = readWorkflowFiles(join(FIXTURES, name));
  const files = [...found.ours, ...found.examples, ...found.callers];
  return { ...found, actions, files, expected: files.flatMap(expectedOf).sort() };
}

function expectedOf({ file, text }: SourceFile): string[] {
  return [...text.matchAll(/^ *# (\d+): (.*)$/gm)].map(([, line, message = '']) =>
    formatProblem({ file, line: Number(line), message }),
  );
}
