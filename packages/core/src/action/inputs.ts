import { ConfigurationError } from '../errors.ts';

/** Turns the text of an input into its value; throws a ConfigurationError that names the input. */
export type InputParser<T> = (text: string, name: string) => T;

/** One input of an action, as its `action.yml` declares it too; a contract test proves the two equal. */
export interface Input<T> {
  readonly required: boolean;
  /** The default in `action.yml`; undefined when it has none. */
  readonly fallback: string | undefined;
  /** Secrets are masked in the log as soon as they are read. */
  readonly secret: boolean;
  readonly parse: InputParser<T>;
}

export type InputDefinitions = Readonly<Record<string, Input<unknown>>>;

export type InputsOf<D extends InputDefinitions> = { readonly [Name in keyof D]: ReturnType<D[Name]['parse']> };

/** An input that must be given. */
export function required<T>(parse: InputParser<T>): Input<T> {
  return { required: true, fallback: undefined, secret: false, parse };
}

/** An input that may be absent; an empty text counts as absent, as the runner makes no difference. */
export function optional<T>(parse: InputParser<T>): Input<T | undefined> {
  return {
    required: false,
    fallback: undefined,
    secret: false,
    parse: (text, name) => (text === '' ? undefined : parse(text, name)),
  };
}

/** An input with a default. */
export function withDefault<T>(parse: InputParser<T>, fallback: string): Input<T> {
  return { required: false, fallback, secret: false, parse };
}

/** An optional input whose value must never be seen. */
export function secret(fallback?: string): Input<string | undefined> {
  return { ...optional(text), fallback, secret: true };
}

/** The inputs that every action has. */
export const COMMON_INPUTS = {
  token: secret('${{ github.token }}'),
  config: withDefault(text, '.github/slipway.yaml'),
  'dry-run': withDefault(flag, 'false'),
  'work-directory': optional(text),
} as const;

export function text(value: string): string {
  return value;
}

/** YAML 1.2's booleans, as `core.getBooleanInput` reads them. */
export function flag(value: string, name: string): boolean {
  if (/^(?:true|True|TRUE)$/.test(value)) return true;
  if (/^(?:false|False|FALSE)$/.test(value)) return false;
  throw new ConfigurationError('invalid-input', `input '${name}': '${value}' is neither true nor false.`);
}

export function positiveInteger(value: string, name: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(value)) return Number(value);
  throw new ConfigurationError('invalid-input', `input '${name}': '${value}' is no positive number.`);
}

/** One of the given words. */
export function oneOf<const W extends string>(...words: readonly W[]): InputParser<W> {
  return (value, name) => {
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return word;
    throw new ConfigurationError('invalid-input', `input '${name}': '${value}' is none of ${words.join(', ')}.`);
  };
}

/** JSON, read by `read`, which is told where it came from. */
export function json<T>(read: (value: unknown, origin: string) => T): InputParser<T> {
  return (value, name) => read(parseJson(value, name), `input '${name}'`);
}

/** A list: a JSON array of strings, or one item a line; blank lines and lines that begin with `#` are left out. */
export function list(value: string, name: string): string[] {
  if (!value.startsWith('[')) {
    return value
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  }
  const items = parseJson(value, name);
  if (Array.isArray(items) && items.every((item) => typeof item === 'string')) return items;
  throw new ConfigurationError('invalid-input', `input '${name}' is no JSON array of strings.`);
}

export function parseJson(value: string, name: string): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new ConfigurationError('invalid-input', `input '${name}' is no JSON: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/**
 * Reads every input through `get`, which returns the trimmed text or an empty one. `mask` is told of each secret before
 * anything else can happen to it.
 */
export function readInputs<D extends InputDefinitions>(
  definitions: D,
  get: (name: string) => string,
  mask: (secret: string) => void,
): InputsOf<D> {
  const texts = Object.entries(definitions).map(([name, input]) => {
    const given = get(name);
    if (input.secret && given !== '') mask(given);
    return { name, input, given: given === '' && !isExpression(input.fallback) ? (input.fallback ?? '') : given };
  });
  const values = texts.map(({ name, input, given }) => {
    if (input.required && given === '') {
      throw new ConfigurationError('missing-input', `input '${name}' is required and was not given.`);
    }
    return [name, input.parse(given, name)];
  });
  return Object.fromEntries(values) as InputsOf<D>;
}

/** A default such as `${{ github.token }}` is the runner's to fill in. */
function isExpression(fallback: string | undefined): boolean {
  return fallback?.startsWith('${{') ?? false;
}
