import type { HostedRepository } from '../github/hosted-repository.ts';
import { type WorkflowFile, workflowFiles } from '../github/workflow-files.ts';
import { reasonOf } from '../runner/reason.ts';
import { passes } from './filter-pattern.ts';
import type { Occasion } from './occasion.ts';
import { type NameFilter, readHead, type Trigger } from './triggers.ts';

/** A workflow that an occasion starts; `reason` says why it cannot even be read. */
export interface Selected {
  readonly occasion: Occasion;
  readonly file: WorkflowFile;
  readonly name: string;
  readonly reason: string | undefined;
}

/** @see https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs */
const skipMarkers = /\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|\n\n+skip-checks: *true\s*$/i;

/** The workflows that an occasion starts, by the names of their files. */
export async function selectWorkflows(repository: HostedRepository, occasion: Occasion): Promise<Selected[]> {
  const { skipCommit } = occasion;
  const message = skipCommit === undefined ? '' : ((await repository.git.commit(skipCommit))?.message ?? '');
  if (skipMarkers.test(message)) return [];
  const selected: Selected[] = [];
  for (const file of await workflowFiles(repository.git, occasion.source)) {
    const chosen = await select(file, occasion);
    if (chosen !== undefined) selected.push(chosen);
  }
  return selected;
}

async function select(file: WorkflowFile, occasion: Occasion): Promise<Selected | undefined> {
  try {
    const { name, triggers } = readHead(file.text, file.path);
    const trigger = triggers.get(occasion.event);
    const isStarted = trigger !== undefined && (await matches(trigger, occasion));
    return isStarted ? { occasion, file, name, reason: undefined } : undefined;
  } catch (error) {
    // Nobody knows what would have started it; one failure for each event is enough.
    if (occasion.event === 'pull_request_target') return undefined;
    return { occasion, file, name: file.path, reason: reasonOf(error) };
  }
}

async function matches(trigger: Trigger, occasion: Occasion): Promise<boolean> {
  const { action, branch, tag, cron } = occasion;
  const types = trigger.types ?? occasion.defaultTypes;
  if (action !== undefined && types !== undefined && !types.includes(action)) return false;
  if (cron !== undefined && !trigger.crons.includes(cron)) return false;
  // A filter of branches alone keeps tags out, and the other way round.
  const names = occasion.event === 'push' && (trigger.branches !== undefined || trigger.tags !== undefined);
  if (names && (branch === undefined ? trigger.tags : trigger.branches) === undefined) return false;
  if (!letsThrough(trigger.branches, branch) || !letsThrough(trigger.tags, tag)) return false;
  return trigger.paths === undefined || changesOneOf(trigger.paths, await occasion.paths());
}

function letsThrough(filter: NameFilter | undefined, name: string | undefined): boolean {
  if (filter === undefined || name === undefined) return true;
  return passes(name, filter.patterns) !== filter.ignores;
}

function changesOneOf({ patterns, ignores }: NameFilter, paths: readonly string[] | undefined): boolean {
  return paths === undefined || paths.some((path) => passes(path, patterns) !== ignores);
}
