import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import { at } from './reason.ts';

/** Reads a YAML file of one document; throws an error that names the file. */
export async function readYamlFile(path: string): Promise<unknown> {
  return parseYaml(await readFile(path, 'utf8'), path);
}

/** Reads YAML of one document; `where` says in the error whose text it is. */
export function parseYaml(text: string, where: string): unknown {
  return at(where, () => load(text));
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

/** Returns a mapping of texts, an absent one as an empty mapping. */
export function asTexts(value: unknown, where: string): Readonly<Record<string, string>> {
  const entries = Object.entries(asMapping(value, where));
  return Object.fromEntries(entries.map(([name, text]) => [name, asText(text, `${where}.${name}`)]));
}

/** Returns what is one text or a list of texts as a list. */
export function asTextList(value: unknown, where: string): readonly string[] {
  if (value === undefined || value === null) return [];
  const list = Array.isArray(value) ? value : [value];
  return list.map((text, index) => asText(text, `${where}[${index}]`));
}

/** Throws for a key that is none of `known`: what is not understood would silently be left out otherwise. */
export function refuseOtherKeys(
  mapping: Readonly<Record<string, unknown>>,
  known: readonly string[],
  where: string,
): void {
  const other = Object.keys(mapping).find((key) => !known.includes(key));
  if (other !== undefined) throw new Error(`${where}: '${other}' is not supported by this runner`);
}
