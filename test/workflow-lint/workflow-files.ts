import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Callable } from './actionlint.ts';
import type { SourceFile } from './read-workflow.ts';

/** Every workflow of the repository, and the actions that they call. */
export interface WorkflowFiles {
  readonly actions: Callable['actions'];
  /** Those in `.github/workflows`: what others call, and our own. */
  readonly ours: readonly SourceFile[];
  readonly examples: readonly SourceFile[];
  /** The callers that the pages of the reusable workflows show. */
  readonly callers: readonly SourceFile[];
}

/** Reads the workflow files of the repository at `root`. */
export function readWorkflowFiles(root: string): WorkflowFiles {
  const read = (pattern: string): SourceFile[] =>
    globSync(pattern, { cwd: root })
      .sort()
      .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
  return {
    actions: new Map(read('actions/*/action.yml').map(({ file, text }) => [basename(dirname(file)), text])),
    ours: read('.github/workflows/*.{yml,yaml}'),
    examples: read('examples/**/.github/workflows/*.{yml,yaml}'),
    callers: read('docs/workflows/*.md').flatMap(findCallers),
  };
}

/**
 * Returns the complete workflows among a page's YAML blocks, each with as many empty lines before it as there are lines
 * in the page: what is found in it is found at its line in the page.
 */
function findCallers({ file, text }: SourceFile): SourceFile[] {
  const blocks = [...text.matchAll(/^```ya?ml\n(.*?)^```$/gms)].flatMap(({ index, 1: block = '' }) => {
    const isWorkflow = /^on:/m.test(block) && /^jobs:/m.test(block);
    return isWorkflow ? ['\n'.repeat(text.slice(0, index).split('\n').length) + block] : [];
  });
  return blocks.map((block, index) => ({ file: index === 0 ? file : `${file} (${index + 1})`, text: block }));
}
