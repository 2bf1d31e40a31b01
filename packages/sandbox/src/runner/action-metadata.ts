import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asMapping, asOptionalText, asText, parseYaml } from './yaml-value.ts';

export interface ActionInput {
  readonly description: string;
  readonly required: boolean;
  /** May hold expressions; undefined when the input has no default. */
  readonly fallback: string | undefined;
}

/** What an `action.yml` says, as far as a JavaScript action needs it. */
export interface ActionMetadata {
  readonly name: string;
  readonly description: string;
  /** By name, in the order of the file. */
  readonly inputs: ReadonlyMap<string, ActionInput>;
  /** Descriptions by name, in the order of the file. */
  readonly outputs: ReadonlyMap<string, string>;
  /** `node24`. */
  readonly using: string;
  /** Path of the script, from the directory of the action. */
  readonly main: string;
  /** Runs before all steps of the job. */
  readonly pre?: HookScript;
  /** Runs after all steps of the job, the last action's first. */
  readonly post?: HookScript;
}

/** A script around the main one. */
export interface HookScript {
  readonly path: string;
  /** Undefined: always. */
  readonly condition: string | undefined;
}

/**
 * Reads the `action.yml` of an action that runs on node; throws an error that names the file and the key. Other kinds
 * of actions are refused.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
 */
export async function readActionMetadata(directory: string): Promise<ActionMetadata> {
  const path = join(directory, 'action.yml');
  return parseActionMetadata(await readFile(path, 'utf8'), path);
}

/** Reads the text of an `action.yml`; `path` says in errors which one. */
export function parseActionMetadata(text: string, path: string): ActionMetadata {
  const file = asMapping(parseYaml(text, path), path);
  const runs = asMapping(file['runs'], `${path}: runs`);
  const using = asText(runs['using'], `${path}: runs.using`);
  if (!/^node\d+$/.test(using)) throw new Error(`${path}: runs.using is '${using}'; only actions on node can be run`);
  const pre = readHook(runs, 'pre', path);
  const post = readHook(runs, 'post', path);
  return {
    name: asText(file['name'], `${path}: name`),
    description: asText(file['description'], `${path}: description`),
    inputs: mapEntries(file['inputs'], `${path}: inputs`, readInput),
    outputs: mapEntries(file['outputs'], `${path}: outputs`, readDescription),
    using,
    main: asText(runs['main'], `${path}: runs.main`),
    ...(pre !== undefined && { pre }),
    ...(post !== undefined && { post }),
  };
}

function readHook(runs: Readonly<Record<string, unknown>>, key: 'pre' | 'post', path: string): HookScript | undefined {
  const script = asOptionalText(runs[key], `${path}: runs.${key}`);
  const condition = asOptionalText(runs[`${key}-if`], `${path}: runs.${key}-if`);
  return script === undefined ? undefined : { path: script, condition };
}

type Reader<T> = (entry: Readonly<Record<string, unknown>>, where: string) => T;

function mapEntries<T>(value: unknown, where: string, read: Reader<T>): Map<string, T> {
  return new Map(
    Object.entries(asMapping(value, where)).map(([name, entry]) => {
      const place = `${where}.${name}`;
      return [name, read(asMapping(entry, place), place)];
    }),
  );
}

function readInput(entry: Readonly<Record<string, unknown>>, where: string): ActionInput {
  const required = entry['required'] ?? false;
  if (typeof required !== 'boolean') throw new Error(`${where}.required is neither true nor false`);
  const fallback = asOptionalText(entry['default'], `${where}.default`);
  return { description: readDescription(entry, where), required, fallback };
}

function readDescription(entry: Readonly<Record<string, unknown>>, where: string): string {
  return asText(entry['description'] ?? '', `${where}.description`);
}
