import { ApiError, unprocessable } from './api-error.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The JSON body of a request: every reader checks the type and refuses in GitHub's words. */
export class Payload {
  /** The body as it came; a few operations take something else than an object. */
  readonly value: unknown;
  readonly #fields: JsonObject;

  constructor(value: unknown) {
    this.value = value;
    this.#fields = isJsonObject(value) ? value : {};
  }

  static parse(body: Buffer): Payload {
    if (body.length === 0) return new Payload({});
    try {
      return new Payload(JSON.parse(body.toString()));
    } catch {
      throw new ApiError(400, 'Problems parsing JSON');
    }
  }

  /** A text that must be there. */
  string(name: string): string {
    const value = this.optionalString(name);
    if (value === undefined) throw unprocessable(`Invalid request.\n\n"${name}" wasn't supplied.`);
    return value;
  }

  optionalString(name: string): string | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw wrongType(name, value, 'a string');
    return value;
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'boolean') throw wrongType(name, value, 'a boolean');
    return value;
  }

  optionalChoice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.optionalString(name);
    if (value === undefined) return undefined;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) {
      throw unprocessable(`Invalid request.\n\n${value} is not a member of ${JSON.stringify(choices)}.`);
    }
    return chosen;
  }

  optionalList(name: string): readonly unknown[] | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value)) throw wrongType(name, value, 'an array');
    return value;
  }

  optionalObject(name: string): Payload | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (!isJsonObject(value)) throw wrongType(name, value, 'an object');
    return new Payload(value);
  }

  /** Tells null from absent: some fields are cleared by null. */
  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }
}

const wrongType = (name: string, value: unknown, wanted: string): ApiError =>
  unprocessable(`Invalid request.\n\nFor 'properties/${name}', ${JSON.stringify(value)} is not ${wanted}.`);
