import { posix } from 'node:path';
import { parseYaml } from '@slipway/core/util/yaml-document';
import { type Job, type Mapping, mapping, readWorkflow, type SourceFile, type Workflow } from './read-workflow.ts';

/** What an action declares. */
export interface Action {
  readonly inputs: Mapping;
  readonly outputs: Mapping;
}

/** All that workflows can call: the actions of this repository by name, and every workflow by its path. */
export interface Library {
  readonly actions: ReadonlyMap<string, Action>;
  readonly workflows: ReadonlyMap<string, Workflow>;
}

/** What a `uses` names. `ref` is undefined for what comes from the same commit. */
export type Use =
  | { readonly kind: 'action'; readonly name: string; readonly ref: string | undefined }
  | { readonly kind: 'workflow'; readonly path: string; readonly ref: string | undefined }
  | { readonly kind: 'foreign'; readonly name: string; readonly ref: string | undefined };

/** The name that stands for this repository in what others copy. */
const REPOSITORY = 'org/actions/';

const WORKFLOWS = '.github/workflows/';

/** Reads the actions' `action.yml` (by the action's name) and the workflows. */
export function readLibrary(actions: ReadonlyMap<string, string>, workflows: readonly SourceFile[]): Library {
  return {
    actions: new Map([...actions].map(([name, text]) => [name, readAction(text)])),
    workflows: new Map(workflows.map((source) => [source.file, readWorkflow(source)])),
  };
}

function readAction(text: string): Action {
  const { inputs, outputs } = mapping(parseYaml(text).value);
  return { inputs: mapping(inputs), outputs: mapping(outputs) };
}

/** Reads a `uses` of `workflow`. */
export function parseUse(uses: string, workflow: Workflow): Use {
  const [name = '', ref] = uses.split(/@(?!.*@)/);
  if (name.startsWith('$/')) return ours(name.slice('$/'.length), ref);
  if (name.startsWith(REPOSITORY)) return ours(name.slice(REPOSITORY.length), ref);
  if (name.startsWith(`./${WORKFLOWS}`)) return { kind: 'workflow', path: beside(workflow, name), ref };
  if (name.startsWith('./actions/')) return ours(name.slice('./actions/'.length), ref);
  return { kind: 'foreign', name, ref };
}

function ours(name: string, ref: string | undefined): Use {
  return name.startsWith(WORKFLOWS) ? { kind: 'workflow', path: name, ref } : { kind: 'action', name, ref };
}

/** A `./` path is below the root of the repository that the calling file belongs to; `examples/` holds several. */
function beside({ file }: Workflow, path: string): string {
  return posix.join(file.slice(0, Math.max(0, file.indexOf(WORKFLOWS))), path);
}

/** Returns the workflow that a job calls; undefined when it calls none, or one that does not exist. */
export function calledWorkflow({ uses }: Job, workflow: Workflow, library: Library): Workflow | undefined {
  if (uses === undefined) return undefined;
  const use = parseUse(uses, workflow);
  return use.kind === 'workflow' ? library.workflows.get(use.path) : undefined;
}

/** Returns the names of the actions of this repository that a job runs. */
export function actionsOf({ steps }: Job, workflow: Workflow): string[] {
  return steps.flatMap(({ uses }) => {
    const use = uses === undefined ? undefined : parseUse(uses, workflow);
    return use?.kind === 'action' ? [use.name] : [];
  });
}

/** One job that calls a workflow. */
export interface Call {
  readonly caller: Workflow;
  readonly job: Job;
}

/** Returns the jobs, of any workflow, that call this one. */
export function callsTo(callee: Workflow, library: Library): Call[] {
  return [...library.workflows.values()].flatMap((caller) =>
    caller.jobs
      .filter((job) => calledWorkflow(job, caller, library)?.file === callee.file)
      .map((job) => ({ caller, job })),
  );
}

/** Returns the events that a workflow runs on: its own, and those of every workflow that calls it. */
export function eventsReaching(workflow: Workflow, library: Library, seen = new Set<string>()): Set<string> {
  if (seen.has(workflow.file)) return new Set();
  seen.add(workflow.file);
  const events = new Set(Object.keys(workflow.events));
  for (const { caller } of callsTo(workflow, library)) {
    for (const event of eventsReaching(caller, library, seen)) events.add(event);
  }
  return events;
}
