import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import { at } from './reason.ts';

/** Reads a YAML file of one document; throws an error that names the file. */
export async function readYamlFile(path: string): Promise<unknown> {
  const source = await readFile(path, 'utf8');
  return at(path, () => load(source));
}

/** Returns `value` as a mapping, an absent one as an empty mapping; `where` says in the error what should be one. */
export function asMapping(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  throw new Error(`${where} is no mapping`);
}

/** Returns `value` as a list, an absent one as an empty list. */
export function asList(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`${where} is no list`);
}

/** Returns a scalar as GitHub takes it: everything is a text, and `null` is an empty one. */
export function asText(value: unknown, where: string): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`${where} is no text`);
}

/** Like {@link asText}, for a key that may be absent. */
export function asOptionalText(value: unknown, where: string): string | undefined {
  return value === undefined ? undefined : asText(value, where);
}
