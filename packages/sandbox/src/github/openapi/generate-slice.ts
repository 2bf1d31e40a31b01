/**
 * Cuts the operations that the sandbox implements out of GitHub's OpenAPI description:
 *
 *     npm pack @octokit/openapi@23.0.2          (in a temporary folder: it unpacks to about 390 MB)
 *     tar -xzf octokit-openapi-23.0.2.tgz package/generated/api.github.com.json
 *     node packages/sandbox/src/github/openapi/generate-slice.ts package/generated/api.github.com.json
 *
 * The slice keeps schemas only, as JSON Schema: texts and examples are dropped, `nullable` becomes a type.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { operations } from './operations.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const prose = new Set(['description', 'example', 'examples', 'title', 'externalDocs', 'discriminator', 'deprecated']);

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const object = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});

/** Turns one OpenAPI 3.0 schema into JSON Schema. */
function simplify(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(simplify);
  if (!isObject(schema)) return schema;
  const simple: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (prose.has(key) || key === 'nullable' || key.startsWith('x-')) continue;
    // The keys of `properties` are names: one of them may well be called "description".
    simple[key] = key === 'properties' ? mapValues(object(value), simplify) : key === 'enum' ? value : simplify(value);
  }
  if (schema['nullable'] !== true) return simple;
  return { anyOf: [{ type: 'null' }, simple] };
}

function mapValues(value: JsonObject, change: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each)]));
}

/** Follows `$ref`s through everything but schemas, which stay references. */
function resolve(description: JsonObject, value: Json | undefined): JsonObject {
  const found = object(value);
  const reference = found['$ref'];
  if (typeof reference !== 'string') return found;
  let target: Json | undefined = description;
  for (const step of reference.slice(2).split('/')) target = object(target)[step];
  return object(target);
}

function bodySchema(body: JsonObject): Json | undefined {
  const schema = object(object(body['content'])['application/json'])['schema'];
  return schema === undefined ? undefined : simplify(schema);
}

function sliceOperation(description: JsonObject, operation: JsonObject): JsonObject {
  const request = bodySchema(resolve(description, operation['requestBody']));
  const responses = Object.entries(object(operation['responses'])).map(([status, response]): [string, Json] => [
    status,
    bodySchema(resolve(description, response)) ?? null,
  ]);
  return {
    operationId: operation['operationId'] ?? null,
    ...(request === undefined ? {} : { request }),
    responses: Object.fromEntries(responses),
  };
}

function referencedSchemas(value: Json, found: Set<string>): void {
  for (const [, name] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (name !== undefined) found.add(name);
  }
}

const [, , source] = process.argv;
if (source === undefined) throw new Error('usage: node generate-slice.ts path/to/api.github.com.json');
const description = object(JSON.parse(readFileSync(source, 'utf8')));
const paths = object(description['paths']);
const all = object(object(description['components'])['schemas']);

const sliced = Object.fromEntries(
  operations.map((name): [string, Json] => {
    const [method = '', path = ''] = name.split(' ');
    const operation = object(paths[path])[method.toLowerCase()];
    if (operation === undefined) throw new Error(`the description has no operation ${name}`);
    return [name, sliceOperation(description, object(operation))];
  }),
);

const wanted = new Set<string>();
referencedSchemas(sliced, wanted);
const schemas: Record<string, Json> = {};
for (const name of wanted) {
  schemas[name] = simplify(all[name] ?? null);
  referencedSchemas(schemas[name], wanted);
}
const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
const version = object(description['info'])['version'] ?? null;
writeFileSync(
  new URL('api.github.com.slice.json', import.meta.url),
  `${JSON.stringify({ version, operations: sliced, components: { schemas: sorted } })}\n`,
);
