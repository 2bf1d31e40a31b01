import { join } from 'node:path';
import { asMapping, asOptionalText, asText, readYamlFile } from './yaml-value.ts';

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
}

/**
 * Reads the `action.yml` of an action that runs on node; throws an error that names the file and the key.
 *
 * Other kinds of actions, and ones with a `pre` or `post` script, are refused: half of them would be run otherwise.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
 */
export async function readActionMetadata(directory: string): Promise<ActionMetadata> {
  const path = join(directory, 'action.yml');
  const file = asMapping(await readYamlFile(path), path);
  const runs = asMapping(file['runs'], `${path}: runs`);
  const using = asText(runs['using'], `${path}: runs.using`);
  if (!/^node\d+$/.test(using)) throw new Error(`${path}: runs.using is '${using}'; only actions on node can be run`);
  for (const key of ['pre', 'post']) {
    if (key in runs) throw new Error(`${path}: runs.${key} is not supported`);
  }
  return {
    name: asText(file['name'], `${path}: name`),
    description: asText(file['description'], `${path}: description`),
    inputs: mapEntries(file['inputs'], `${path}: inputs`, readInput),
    outputs: mapEntries(file['outputs'], `${path}: outputs`, readDescription),
    using,
    main: asText(runs['main'], `${path}: runs.main`),
  };
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
