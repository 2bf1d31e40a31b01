import type { Content } from './content.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Tells whether a parsed JSON value is an object, so that its fields can be looked at. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isContent(value: unknown): value is Content & Fields {
  return isFields(value) && isTexts(value, 'body', 'md5', 'crc64') && typeof value['size'] === 'number';
}

/** Tells whether the named fields are all strings. */
export function isTexts(value: Fields, ...names: string[]): boolean {
  return names.every((name) => typeof value[name] === 'string');
}

export function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return isFields(value) && isTexts(value, ...Object.keys(value));
}
