import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ActionInput, type ActionMetadata, readActionMetadata } from '@slipway/sandbox/runner/action-metadata';

export interface ActionList {
  readonly names: readonly string[];
  /** For people. */
  readonly text: string;
}

/** Finds the actions of an assembled tree. */
export async function listActions(tree: string): Promise<ActionList> {
  const names = globSync('*/action.yml', { cwd: tree }).map(dirname).sort();
  const width = Math.max(...names.map((name) => name.length));
  const lines = await Promise.all(
    names.map(async (name) => {
      const { description } = await readActionMetadata(join(tree, name));
      return `  ${name.padEnd(width)}  ${oneLine(description)}\n`;
    }),
  );
  const usage = 'npm run action -- <name> key=value …     (<name> --help prints its inputs and outputs)';
  return { names, text: `Actions:\n${lines.join('')}\n${usage}` };
}

/** Returns the page that `--help` prints. */
export function describeAction({ name, description, inputs, outputs }: ActionMetadata): string {
  const describeInput = ([input, { required, fallback, description: text }]: [string, ActionInput]): string => {
    const note = required ? ' (required)' : fallback === undefined ? '' : ` (default: ${fallback})`;
    return `  ${input}${note}\n      ${oneLine(text)}\n`;
  };
  const describeOutput = ([output, text]: [string, string]): string => `  ${output}\n      ${oneLine(text)}\n`;
  return [
    `${name}: ${oneLine(description)}\n`,
    `Inputs:\n${[...inputs].map(describeInput).join('')}`,
    `Outputs:\n${[...outputs].map(describeOutput).join('')}`,
    `npm run action -- ${name} key=value …     key=@file reads a file, key=- standard input`,
  ].join('\n');
}

/** Returns the outputs as `name=value` lines; a value of several lines is shown as JSON, to stay on its own. */
export function formatOutputs(outputs: Readonly<Record<string, string>>): string {
  const lines = Object.entries(outputs).map(
    ([name, value]) => `${name}=${value.includes('\n') ? JSON.stringify(value) : value}\n`,
  );
  return `\nOutputs:\n${lines.join('')}`;
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}
