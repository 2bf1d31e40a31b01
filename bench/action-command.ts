import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveInputs } from '@slipway/sandbox/runner/action-inputs';
import { readActionMetadata } from '@slipway/sandbox/runner/action-metadata';
import { parseFileCommand } from '@slipway/sandbox/runner/file-command';
import { openMachine } from '@slipway/sandbox/runner/runner-machine';
import { words } from './measure.ts';

export type Inputs = Readonly<Record<string, string>>;

/** A bundle of the release tree, about to be run as GitHub's runner runs it. */
export interface ActionCommand {
  readonly script: string;
  /** Reads the outputs, once it has run. */
  outputs(): Promise<Readonly<Record<string, string>>>;
}

/** Makes the command that runs an action's bundle with `temp`, a directory that must be empty, as the runner's own. */
export async function actionCommand(
  tree: string,
  action: string,
  inputs: Inputs,
  temp: string,
  env: Inputs = {},
): Promise<ActionCommand> {
  await mkdir(temp, { recursive: true });
  const machine = await openMachine(temp);
  const metadata = await readActionMetadata(join(tree, action));
  const given = resolveInputs(metadata, inputs, { github: { token: '' }, runner: machine.context });
  if (given.warnings.length > 0) throw new Error(given.warnings.join('\n'));
  const output = join(temp, `${action}.output`);
  const summary = join(temp, `${action}.summary`);
  for (const file of [output, summary]) await writeFile(file, '');
  const files = { GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary, GITHUB_WORKSPACE: temp };
  const assignments = Object.entries({ ...machine.env, ...files, ...env, ...given.env }).map(
    ([key, value]) => `${key}=${value}`,
  );
  return {
    // Bash has no names with hyphens, which the runner's inputs have; `env` has.
    script: words('env', '-i', ...assignments, process.execPath, join(tree, action, metadata.main)),
    outputs: async () => parseFileCommand(await readFile(output, 'utf8')),
  };
}

/** Tells whether the action in the tree has an input: what is measured may be older than the bench. */
export async function hasInput(tree: string, action: string, input: string): Promise<boolean> {
  return (await readActionMetadata(join(tree, action))).inputs.has(input);
}
