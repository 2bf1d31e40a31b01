import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, table } from './markdown.ts';

const FILE = 'schema/configuration.schema.json';

/** What of JSON Schema the configuration uses; https://json-schema.org/draft/2020-12. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  /** What the values of a map are. */
  readonly additionalProperties?: boolean | Schema;
}

/** Returns the table of every key of the configuration, as its schema has it; throws for one without a description. */
export function describeConfiguration(root: string): string {
  const schema: Schema = JSON.parse(readFileSync(join(root, FILE), 'utf8'));
  return `${table(['key', 'what it is', 'values', 'default'], rowsOf(schema, ''))}\n`;
}

function rowsOf({ properties = {}, additionalProperties }: Schema, path: string): string[][] {
  const named = Object.entries(properties).map(
    ([key, schema]) => [path === '' ? key : `${path}.${key}`, schema] as const,
  );
  const rows = named.flatMap(([key, schema]) => [
    [`\`${key}\``, describe(schema.description, FILE, key), valuesOf(schema), code(schema.default)],
    ...rowsOf(schema, key),
  ]);
  return isMapOfObjects(additionalProperties) ? [...rows, ...rowsOf(additionalProperties, `${path}.<name>`)] : rows;
}

function isMapOfObjects(values: Schema['additionalProperties']): values is Schema {
  return typeof values === 'object' && values.properties !== undefined;
}

function valuesOf({ enum: values, examples = [], type }: Schema): string {
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  if (type === 'boolean') return '`true`, `false`';
  const [example] = examples;
  return type === 'object' || example === undefined ? '' : `such as ${code(example)}`;
}

function code(value: unknown): string {
  if (value === undefined || value === '') return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
