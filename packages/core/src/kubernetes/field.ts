import { isRecord } from '../util/record.ts';

/** An object out of an answer whose shape is not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads fields of the API's objects. The API leaves out what is zero, empty or false, so an absent field has that value;
 * one of another type is read as if it were absent.
 */
export function objectField(value: unknown, ...path: readonly string[]): JsonObject {
  const found = path.reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), value);
  return isRecord(found) ? found : {};
}

export function textField(value: JsonObject, name: string): string {
  const field = value[name];
  return typeof field === 'string' ? field : '';
}

export function numberField(value: JsonObject, name: string, absent = 0): number {
  const field = value[name];
  return typeof field === 'number' ? field : absent;
}

export function listField(value: JsonObject, name: string): readonly JsonObject[] {
  const field = value[name];
  return Array.isArray(field) ? field.filter(isRecord) : [];
}
