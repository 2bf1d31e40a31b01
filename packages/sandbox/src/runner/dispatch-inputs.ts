import { asTyped, emptyInput, type InputType, type InputValue } from './typed-input.ts';
import { asList, asMapping, asText, asTextList, parseYaml, refuseOtherKeys } from './yaml-value.ts';

export interface DispatchInput {
  readonly type: InputType;
  readonly description: string;
  readonly required: boolean;
  readonly fallback: InputValue | undefined;
  /** What a choice can be. */
  readonly options: readonly string[];
}

/** The inputs of `on.workflow_dispatch`. */
export interface DispatchInputs {
  readonly definitions: ReadonlyMap<string, DispatchInput>;
  /**
   * Returns the context `inputs` for what a dispatch gives: defaults filled in, each as its type says. Throws for an
   * unknown input, a missing one, and one that its type does not allow.
   */
  resolve(given: Readonly<Record<string, unknown>>): Readonly<Record<string, InputValue>>;
}

const TYPES = ['string', 'number', 'boolean', 'choice', 'environment'] as const;
const KEYS = ['description', 'type', 'required', 'default', 'options', 'deprecationMessage'];

/**
 * Reads what a workflow file lets a dispatch say; undefined when it has no `workflow_dispatch`.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onworkflow_dispatchinputs
 */
export function readDispatchInputs(text: string, path = 'workflow'): DispatchInputs | undefined {
  const on = asMapping(parseYaml(text, path), path)['on'];
  const place = `${path}: on.workflow_dispatch`;
  if (typeof on === 'string' || Array.isArray(on)) {
    return [on].flat().includes('workflow_dispatch') ? dispatchInputs(new Map()) : undefined;
  }
  const events = asMapping(on, `${path}: on`);
  if (!('workflow_dispatch' in events)) return undefined;
  const dispatch = asMapping(events['workflow_dispatch'], place);
  refuseOtherKeys(dispatch, ['inputs'], place);
  const entries = Object.entries(asMapping(dispatch['inputs'], `${place}.inputs`));
  return dispatchInputs(new Map(entries.map(([name, input]) => [name, readInput(input, `${place}.inputs.${name}`)])));
}

function readInput(value: unknown, place: string): DispatchInput {
  const input = asMapping(value, place);
  refuseOtherKeys(input, KEYS, place);
  const type = TYPES.find((known) => known === (input['type'] ?? 'string'));
  if (type === undefined) throw new Error(`${place}.type must be one of ${TYPES.join(', ')}`);
  const required = input['required'] ?? false;
  if (typeof required !== 'boolean') throw new Error(`${place}.required is neither true nor false`);
  const options = asTextList(asList(input['options'], `${place}.options`), `${place}.options`);
  if ((type === 'choice') !== options.length > 0)
    throw new Error(`${place}: a choice has options, and nothing else has`);
  const fallback = input['default'] === undefined ? undefined : asTyped(input['default'], type, `${place}.default`);
  if (type === 'choice' && fallback !== undefined && !options.includes(String(fallback))) {
    throw new Error(`${place}.default is '${fallback}', which is none of the options`);
  }
  return { type, description: asText(input['description'] ?? '', `${place}.description`), required, fallback, options };
}

function dispatchInputs(definitions: ReadonlyMap<string, DispatchInput>): DispatchInputs {
  const find = (given: Readonly<Record<string, unknown>>, name: string): unknown =>
    Object.entries(given).find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];
  return {
    definitions,
    resolve(given) {
      const known = [...definitions.keys()].map((name) => name.toLowerCase());
      const unknown = Object.keys(given).filter((name) => !known.includes(name.toLowerCase()));
      if (unknown.length > 0) throw new Error(`Unexpected inputs provided: ${JSON.stringify(unknown)}`);
      return Object.fromEntries(
        [...definitions].map(([name, definition]) => [name, resolveInput(name, definition, find(given, name))]),
      );
    },
  };
}

function resolveInput(name: string, { type, required, fallback, options }: DispatchInput, given: unknown): InputValue {
  // An empty text is what the form sends for a field that was left empty.
  if (given === undefined || given === null || (given === '' && required)) {
    if (required && fallback === undefined) throw new Error(`Required input '${name}' not provided`);
    return fallback ?? (type === 'choice' ? (options[0] ?? '') : emptyInput(type));
  }
  const text = asText(given, `input '${name}'`);
  if (type === 'boolean') {
    if (text !== 'true' && text !== 'false')
      throw new Error(`Provided value '${text}' for input '${name}' not a boolean`);
    return text === 'true';
  }
  if (type === 'number') {
    const number = Number(text);
    if (text.trim() === '' || Number.isNaN(number)) {
      throw new Error(`Provided value '${text}' for input '${name}' not a number`);
    }
    return number;
  }
  if (type === 'choice' && !options.includes(text)) {
    throw new Error(`Provided value '${text}' for input '${name}' not in the list of allowed values`);
  }
  return text;
}
