/**
 * Compiles `schema/*.schema.json` to validators in `packages/core/generated/<name>.cjs`.
 *
 * Done when building because compiling at start costs every action 45 ms and ajv's 290 kB. CommonJS, because ajv's
 * stand-alone ES modules still call `require`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';

const root = join(import.meta.dirname, '..');
const target = join(root, 'packages/core/generated');
mkdirSync(target, { recursive: true });

const schemas = readdirSync(join(root, 'schema'))
  .filter((file) => file.endsWith('.schema.json'))
  .map((file) => ({
    name: file.slice(0, -'.schema.json'.length),
    schema: JSON.parse(readFileSync(join(root, 'schema', file), 'utf8')) as { $id: string },
  }));

for (const { name, schema } of schemas) {
  const ajv = new Ajv2020({ allErrors: true, verbose: false, strict: true, code: { source: true, esm: false } });
  for (const other of schemas) ajv.addSchema(other.schema);
  const validate = ajv.getSchema(schema.$id);
  if (validate === undefined) throw new Error(`schema/${name}.schema.json: no schema with $id ${schema.$id}`);
  const code = (standalone as unknown as { default: (ajv: Ajv2020, validate: unknown) => string }).default(ajv, validate);
  writeFileSync(join(target, `${name}.cjs`), code);
  writeFileSync(
    join(target, `${name}.d.cts`),
    `import type { Validator } from '../src/util/json-schema.ts';\ndeclare const validate: Validator;\nexport = validate;\n`,
  );
}
