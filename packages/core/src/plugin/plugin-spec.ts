import type { YamlDocument } from '../util/yaml-document.ts';

/** A value of a plugin's file, and the JSON pointer of where it stands. */
export interface Located<T> {
  readonly value: T;
  readonly pointer: string;
}

/**
 * What the rules ask a plugin's file about.
 *
 * Read one by one and leniently, so that a fault in one place does not hide what another place claims: a file with a
 * wrong environment variable still has its port.
 */
export interface PluginSpec {
  readonly name?: Located<string>;
  readonly version?: Located<string>;
  readonly image?: Located<string>;
  readonly port?: Located<number>;
  /** Where each slot is named first; naming it again in another module is legitimate. */
  readonly slots: ReadonlyMap<string, string>;
}

export function readSpec(document: YamlDocument | undefined): PluginSpec {
  if (document === undefined) return { slots: new Map() };
  const { value } = document;
  const name = at(value, ['metadata', 'name'], isString);
  const version = at(value, ['spec', 'version'], isString);
  const image = at(value, ['spec', 'service', 'image'], isString);
  const port = at(value, ['spec', 'service', 'port'], isNumber);
  return {
    ...(name && { name }),
    ...(version && { version }),
    ...(image && { image }),
    ...(port && { port }),
    slots: readSlots(value),
  };
}

function readSlots(value: unknown): ReadonlyMap<string, string> {
  const slots = new Map<string, string>();
  const modules = step(step(value, 'spec'), 'modules');
  if (!Array.isArray(modules)) return slots;
  for (const [module, entry] of modules.entries()) {
    const listed = step(entry, 'slots');
    if (!Array.isArray(listed)) continue;
    for (const [index, slot] of listed.entries()) {
      if (isString(slot) && !slots.has(slot)) slots.set(slot, `/spec/modules/${module}/slots/${index}`);
    }
  }
  return slots;
}

function at<T>(
  value: unknown,
  keys: readonly string[],
  accepts: (found: unknown) => found is T,
): Located<T> | undefined {
  const found = keys.reduce(step, value);
  return accepts(found) ? { value: found, pointer: `/${keys.join('/')}` } : undefined;
}

function step(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
