import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { knownKeysAt } from './known-keys.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

const root = JSON.parse(
  readFileSync(new URL('../../../../schema/configuration.schema.json', import.meta.url), 'utf8'),
) as Schema;

/** Every mapping of the schema whose keys are listed, with names in place of those that are free. */
function* walk({ properties, additionalProperties }: Schema, pointer: string): Iterable<[string, readonly string[]]> {
  if (properties !== undefined) yield [pointer, Object.keys(properties)];
  for (const [key, inner] of Object.entries(properties ?? {})) yield* walk(inner, `${pointer}/${key}`);
  if (typeof additionalProperties === 'object') yield* walk(additionalProperties, `${pointer}/some.name:5000`);
}

it('knows the keys of the schema', () => {
  const found = [...walk(root, '')];
  expect(found.length).toBeGreaterThan(5);
  for (const [pointer, keys] of found) expect.soft(knownKeysAt(pointer), pointer).toEqual(keys);
});

it('knows none where any name will do', () => {
  expect(knownKeysAt('/registries')).toEqual([]);
  expect(knownKeysAt('/plugins/rules')).toEqual([]);
});
