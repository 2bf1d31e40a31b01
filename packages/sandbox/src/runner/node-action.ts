import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveInputs } from './action-inputs.ts';
import { readActionMetadata } from './action-metadata.ts';
import type { Contexts } from './expressions.ts';
import { runStepProcess, type StepOutcome, type StepSurroundings } from './step-process.ts';

/**
 * Runs the action in `directory` in a node process of its own, the same node as ours. `contexts` are what the defaults
 * in its `action.yml` may name.
 */
export async function runNodeAction(
  directory: string,
  inputs: Readonly<Record<string, string>>,
  contexts: Contexts,
  surroundings: StepSurroundings,
): Promise<StepOutcome> {
  const metadata = await readActionMetadata(directory);
  const { env, warnings } = resolveInputs(metadata, inputs, contexts);
  const main = join(directory, metadata.main);
  await access(main).catch((error: unknown) => {
    throw new Error(`${metadata.name}: there is no ${main}`, { cause: error });
  });
  const whole = { GITHUB_ACTION_PATH: directory, ...surroundings.env, ...env };
  return runStepProcess(process.execPath, [main], { ...surroundings, env: whole }, warnings);
}
