import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { KNOWN_KEYS } from './known-keys.ts';

interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

const root = JSON.parse(
  readFileSync(new URL('../../../../schema/plugin.schema.json', import.meta.url), 'utf8'),
) as Schema;

function* walk(
  schema: Schema,
  path: string,
): Iterable<[path: string, schema: Schema, properties: Record<string, Schema>]> {
  const { properties, items } = { ...root.$defs?.[schema.$ref?.replace('#/$defs/', '') ?? ''], ...schema };
  if (properties !== undefined) yield [path, schema, properties];
  for (const [key, inner] of Object.entries(properties ?? {})) yield* walk(inner, path === '' ? key : `${path}.${key}`);
  if (items !== undefined) yield* walk(items, `${path}[]`);
}

it('knows the keys of the schema', () => {
  const found = [...walk(root, '')].map(([path, , properties]) => [path, Object.keys(properties)]);
  expect(Object.fromEntries(KNOWN_KEYS)).toEqual(Object.fromEntries(found));
});

it('describes every key, with an example, for editors', () => {
  for (const [path, , properties] of walk(root, '')) {
    for (const [key, { description, examples }] of Object.entries(properties)) {
      expect.soft(description, `${path}.${key}`).toMatch(/\.$/);
      expect.soft(examples, `${path}.${key}`).toBeDefined();
    }
  }
});
