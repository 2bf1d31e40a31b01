/**
 * Compiles every `schema/**.schema.json` to a validator, `packages/core/generated/<path with dashes>.cjs`.
 *
 * Done when building because compiling at start costs every action 45 ms and ajv's 290 kB. CommonJS, because ajv's
 * stand-alone ES modules still call `require`.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standaloneModule from 'ajv/dist/standalone/index.js';

const standalone = standaloneModule as unknown as { default: (ajv: Ajv2020, validate: unknown) => string };
const root = join(import.meta.dirname, '..');
const target = join(root, 'packages/core/generated');
mkdirSync(target, { recursive: true });

const schemas = globSync('**/*.schema.json', { cwd: join(root, 'schema') })
  .sort()
  .map((file) => ({
    name: file.slice(0, -'.schema.json'.length).replaceAll('/', '-'),
    schema: JSON.parse(readFileSync(join(root, 'schema', file), 'utf8'), dropProse) as { $id: string },
  }));

/** Leaves out what is for people: a validator carries its schema along, and every action would carry the prose. */
function dropProse(key: string, value: unknown): unknown {
  const isProse = key === 'examples' || ((key === 'description' || key === 'title') && typeof value === 'string');
  return isProse ? undefined : value;
}

for (const { name, schema } of schemas) {
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, code: { source: true, esm: false } });
  for (const other of schemas) ajv.addSchema(other.schema);
  const validate = ajv.getSchema(schema.$id);
  if (validate === undefined) throw new Error(`${name}: no schema with $id ${schema.$id}`);
  writeFileSync(join(target, `${name}.cjs`), standalone.default(ajv, validate));
  writeFileSync(
    join(target, `${name}.d.cts`),
    [
      "import type { Validator } from '../src/util/json-schema.ts';",
      'declare const validate: Validator;',
      'export = validate;',
      '',
    ].join('\n'),
  );
}
