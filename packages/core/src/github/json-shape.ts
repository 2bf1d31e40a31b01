import { ActionError } from '../errors.ts';

/** An object out of an answer whose shape is not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads answers field by field: a server, or something between it and us, may send anything. */
export class AnswerReader {
  readonly #what: string;

  /** `what` names the answer in errors: `the pull request #7`. */
  constructor(what: string) {
    this.#what = what;
  }

  object(value: unknown, name: string): JsonObject {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
    throw this.#refuse(name, 'an object');
  }

  list(value: unknown, name: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    throw this.#refuse(name, 'a list');
  }

  text(value: unknown, name: string): string {
    if (typeof value === 'string') return value;
    throw this.#refuse(name, 'a text');
  }

  /** A text that may be null or absent, which both give an empty one. */
  optionalText(value: unknown, name: string): string {
    return value === null || value === undefined ? '' : this.text(value, name);
  }

  integer(value: unknown, name: string): number {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw this.#refuse(name, 'a whole number');
  }

  /** The id of a git object: 40 hexadecimal digits. */
  id(value: unknown, name: string): string {
    const id = this.text(value, name);
    if (/^[0-9a-f]{40}$/.test(id)) return id;
    throw this.#refuse(name, 'the id of a git object');
  }

  #refuse(name: string, expected: string): ActionError {
    return new ActionError('github-answer', `GitHub's answer for ${this.#what} has no '${name}' that is ${expected}.`);
  }
}
