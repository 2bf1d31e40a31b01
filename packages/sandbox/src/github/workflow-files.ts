import type { GitRepository } from './git/git-repository.ts';
import { workflowFolder } from './workflow-guard.ts';

export interface WorkflowFile {
  /** `.github/workflows/<file>`. */
  readonly path: string;
  readonly text: string;
}

/** The workflow files of a commit, by name: those right in the folder, and no links. */
export async function workflowFiles(git: GitRepository, commit: string): Promise<WorkflowFile[]> {
  const directory = await git.info(`${commit}:${workflowFolder}`);
  const entries = directory?.type === 'tree' ? ((await git.tree(directory.oid)) ?? []) : [];
  const files: WorkflowFile[] = [];
  for (const { name, mode, oid } of entries) {
    if (!/\.ya?ml$/.test(name) || (mode !== '100644' && mode !== '100755')) continue;
    const blob = await git.read(oid);
    if (blob !== undefined) files.push({ path: `${workflowFolder}/${name}`, text: blob.content.toString() });
  }
  return files;
}

/** The text of a file in a commit; undefined where there is none. */
export async function readTextFile(git: GitRepository, commit: string, path: string): Promise<string | undefined> {
  const blob = await git.read(`${commit}:${path}`);
  return blob?.type === 'blob' ? blob.content.toString() : undefined;
}
