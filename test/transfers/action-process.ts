import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveInputs } from '@slipway/sandbox/runner/action-inputs';
import { readActionMetadata } from '@slipway/sandbox/runner/action-metadata';
import { runChild } from '@slipway/sandbox/runner/child-process';
import { parseFileCommand } from '@slipway/sandbox/runner/file-command';
import { openMachine } from '@slipway/sandbox/runner/runner-machine';

export interface ActionCall {
  /** The action's directory in the assembled tree. */
  readonly directory: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** RUNNER_TEMP; what an earlier run left there stays. */
  readonly temp: string;
  /** Ends it with SIGKILL. */
  readonly kill?: AbortSignal;
  /** The program that runs it, and its first arguments, before node and the script (default none). */
  readonly launcher?: readonly string[];
}

/** How an action has ended, and what it said. */
export interface ActionEnd {
  /** 137 after a SIGKILL. */
  readonly code: number;
  /** Every line as the action wrote it: nothing is masked, and the commands that ask for it are left out. */
  readonly log: string;
  /** The errors that it annotated. */
  readonly errors: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** Runs an action's shipped bundle in a process of its own, with the environment that GitHub's runner gives it. */
export async function runActionProcess(call: ActionCall): Promise<ActionEnd> {
  const { directory, inputs, env, temp, kill, launcher = [] } = call;
  await mkdir(temp, { recursive: true });
  const machine = await openMachine(temp);
  const metadata = await readActionMetadata(directory);
  const given = resolveInputs(metadata, inputs, { github: { token: '' }, runner: machine.context });
  if (given.warnings.length > 0) throw new Error(given.warnings.join('\n'));
  const files = await mkdtemp(join(temp, 'files-'));
  const [output, summary] = [join(files, 'output'), join(files, 'summary')];
  for (const file of [output, summary]) await writeFile(file, '');
  const [command = process.execPath, ...rest] = [...launcher, process.execPath, join(directory, metadata.main)];
  const lines: string[] = [];
  const code = await runChild(command, rest, {
    directory: temp,
    env: {
      ...machine.env,
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: summary,
      GITHUB_WORKSPACE: temp,
      ...env,
      ...given.env,
    },
    onLine: (line) => {
      if (!line.startsWith('::add-mask::')) lines.push(line);
    },
    kill,
  });
  const errors = lines.flatMap((line) => /^::error[^:]*::(.*)$/.exec(line)?.[1] ?? []).map(decode);
  const outputs = code === 137 ? {} : parseFileCommand(await readFile(output, 'utf8'));
  return { code, log: lines.join('\n'), errors, outputs, summary: await readFile(summary, 'utf8') };
}

function decode(text: string): string {
  return text.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');
}
