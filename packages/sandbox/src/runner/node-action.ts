import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveInputs } from './action-inputs.ts';
import { type ActionMetadata, readActionMetadata } from './action-metadata.ts';
import type { Contexts } from './expressions.ts';
import { runStepProcess, type StepOutcome, type StepSurroundings } from './step-process.ts';

/** An action that runs on node, found and read. */
export interface NodeAction {
  readonly metadata: ActionMetadata;
  readonly directory: string;
  /** What it finds in its environment besides the step's. */
  readonly env?: Readonly<Record<string, string>>;
}

export type ActionPhase = 'pre' | 'main' | 'post';

/** Reads the action in `directory`. */
export async function openNodeAction(directory: string): Promise<NodeAction> {
  return { directory, metadata: await readActionMetadata(directory) };
}

/**
 * Runs one script of an action in a node process of its own, the same node as ours. `contexts` are what the defaults in
 * its `action.yml` may name, `state` what its earlier scripts have left.
 */
export async function runNodeAction(
  { metadata, directory, env: own = {} }: NodeAction,
  phase: ActionPhase,
  inputs: Readonly<Record<string, string>>,
  state: Readonly<Record<string, string>>,
  contexts: Contexts,
  surroundings: StepSurroundings,
): Promise<StepOutcome> {
  const { env, warnings } = resolveInputs(metadata, inputs, contexts);
  const script = phase === 'main' ? metadata.main : metadata[phase]?.path;
  const path = join(directory, script ?? '');
  await access(path).catch((error: unknown) => {
    throw new Error(`${metadata.name}: there is no ${path}`, { cause: error });
  });
  const states = Object.entries(state).map(([name, value]) => [`STATE_${name}`, value] as const);
  const whole = { GITHUB_ACTION_PATH: directory, ...surroundings.env, ...own, ...env, ...Object.fromEntries(states) };
  return runStepProcess(process.execPath, [path], { ...surroundings, env: whole }, phase === 'main' ? warnings : []);
}
