import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

export interface ActionArguments {
  /** Undefined lists the actions. */
  readonly name: string | undefined;
  readonly help: boolean;
  /** Inputs as they were written: not read from their files yet. */
  readonly values: ReadonlyMap<string, string>;
}

/** Reads `<name> key=value …`; throws for what is neither. */
export function parseArguments(args: readonly string[]): ActionArguments {
  const words = args.filter((arg) => arg !== '--help' && arg !== '-h');
  const help = words.length < args.length;
  const [name, ...rest] = words;
  const values = new Map<string, string>();
  for (const word of rest) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (key === undefined || value === undefined) throw new Error(`'${word}' is not of the form key=value.`);
    if (values.has(key)) throw new Error(`${key} is given twice; write a list as lines of one value.`);
    values.set(key, value);
  }
  return { name, help, values };
}

/** Fetches the values that stand in files or come from standard input. */
export async function readValues(values: ReadonlyMap<string, string>): Promise<Record<string, string>> {
  const entries: [string, string][] = [];
  for (const [key, value] of values) entries.push([key, await readValue(key, value)]);
  return Object.fromEntries(entries);
}

async function readValue(key: string, value: string): Promise<string> {
  if (value === '-') return text(process.stdin);
  if (!value.startsWith('@') || value.startsWith('@@')) return value.replace(/^@/, '');
  try {
    return await readFile(value.slice(1), 'utf8');
  } catch (error) {
    throw new Error(`${key}=${value}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
