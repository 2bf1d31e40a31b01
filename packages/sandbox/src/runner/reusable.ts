import { checkCall } from './call.ts';
import type { CallJob } from './job-file.ts';
import { DEFAULT_PERMISSIONS, type Permissions, requireGranted } from './permissions.ts';
import type { TreeReader } from './tree-reader.ts';
import { readWorkflow, type WorkflowFile } from './workflow-file.ts';

export interface WorkflowSource {
  readonly path: string;
  readonly text: string;
  /** Where `./.github/workflows/x.yml` and `$/name` of this file resolve. */
  readonly tree: TreeReader;
}

/** A workflow with everything that it calls, read and checked. */
export interface LoadedWorkflow {
  readonly file: WorkflowFile;
  readonly tree: TreeReader;
  /** What the token of each job can do, by the job's id. */
  readonly permissions: ReadonlyMap<string, Permissions>;
  /** The workflow behind each job that calls one, by the job's id. */
  readonly calls: ReadonlyMap<string, LoadedWorkflow>;
}

/** The caller counts. */
const MAX_LEVELS = 4;

/**
 * Reads a workflow and the workflows that it calls, from its own tree or from the assembled one. Throws, before anything
 * has run, for a file that cannot be run, a call that does not fit, and a callee that wants more than its caller grants.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations
 */
export function loadWorkflow(source: WorkflowSource, assembled: TreeReader): Promise<LoadedWorkflow> {
  return load(source, assembled, undefined, 1);
}

async function load(
  { path, text, tree }: WorkflowSource,
  assembled: TreeReader,
  granted: Permissions | undefined,
  level: number,
): Promise<LoadedWorkflow> {
  const file = readWorkflow(text, path);
  const permissions = new Map<string, Permissions>();
  const calls = new Map<string, LoadedWorkflow>();
  if (granted !== undefined && file.permissions !== undefined) {
    requireGranted(file.permissions, granted, `The workflow '${path}'`);
  }
  for (const job of file.jobs.values()) {
    const allowed = job.permissions ?? file.permissions ?? granted ?? DEFAULT_PERMISSIONS;
    if (granted !== undefined) requireGranted(allowed, granted, `The job '${job.id}' of ${path}`);
    permissions.set(job.id, allowed);
    if (job.kind === 'steps') continue;
    if (level === MAX_LEVELS)
      throw new Error(`${job.place}.uses: workflows call each other over ${MAX_LEVELS} levels at most`);
    calls.set(job.id, await loadCallee(job, tree, assembled, allowed, level));
  }
  return { file, tree, permissions, calls };
}

async function loadCallee(
  job: CallJob,
  own: TreeReader,
  assembled: TreeReader,
  granted: Permissions,
  level: number,
): Promise<LoadedWorkflow> {
  const [, local, released] =
    /^(?:\.\/(\.github\/workflows\/[^/@]+\.ya?ml)|org\/actions\/(\.github\/workflows\/[^/@]+\.ya?ml)@\S+)$/.exec(
      job.uses,
    ) ?? [];
  const path = local ?? released;
  if (path === undefined) {
    const known = './.github/workflows/<file> and org/actions/.github/workflows/<file>@<version>';
    throw new Error(`${job.place}.uses: cannot call '${job.uses}', only ${known}`);
  }
  const tree = local === undefined ? assembled : own;
  const text = await tree.read(path);
  if (text === undefined) throw new Error(`${job.place}.uses: ${tree.name} has no ${path}`);
  const callee = await load({ path, text, tree }, assembled, granted, level + 1);
  if (callee.file.call === undefined) {
    throw new Error(`${job.place}.uses: ${path} cannot be called, for it has no 'on.workflow_call'`);
  }
  checkCall(job, callee.file.call);
  return callee;
}
