/** The types that inputs of a workflow can have. */
export type InputType = 'string' | 'number' | 'boolean' | 'choice' | 'environment';

export type InputValue = string | number | boolean;

/** What an input is when it is not given and has no default. */
export function emptyInput(type: InputType): InputValue {
  return type === 'boolean' ? false : type === 'number' ? 0 : '';
}

/** Takes a value of a file for an input as GitHub does: a text may be any scalar, the other types only what they are. */
export function asTyped(value: unknown, type: InputType, place: string): InputValue {
  if (value === null || value === undefined) return emptyInput(type);
  if (type === 'boolean' || type === 'number') {
    if (typeof value === type && (typeof value === 'boolean' || typeof value === 'number')) return value;
  } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  throw new Error(`${place}: ${JSON.stringify(value)} is no ${type}`);
}
