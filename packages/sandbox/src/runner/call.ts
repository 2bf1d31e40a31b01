import { checkValue } from './expression-rules.ts';
import { type Contexts, evaluateValue } from './expressions.ts';
import type { CallJob } from './job-file.ts';
import { at } from './reason.ts';
import { asTyped, emptyInput, type InputType, type InputValue } from './typed-input.ts';
import { asMapping, asText, refuseOtherKeys } from './yaml-value.ts';

export interface CallInput {
  readonly type: InputType;
  readonly required: boolean;
  /** May hold expressions. */
  readonly fallback: unknown;
}

/** `on.workflow_call`: what a caller gives and gets. */
export interface CallDefinition {
  readonly place: string;
  readonly inputs: ReadonlyMap<string, CallInput>;
  /** Whether each secret is required. */
  readonly secrets: ReadonlyMap<string, boolean>;
  /** Expressions over the context `jobs`. */
  readonly outputs: Readonly<Record<string, string>>;
}

const TYPES = ['string', 'number', 'boolean'] as const;

/** Reads `on.workflow_call` of a file's `on:`; undefined when the file cannot be called. */
export function readCallDefinition(on: unknown, path: string): CallDefinition | undefined {
  const events = typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys(asMapping(on, path));
  if (!events.includes('workflow_call')) return undefined;
  const place = `${path}.workflow_call`;
  const call =
    typeof on === 'object' && !Array.isArray(on) ? asMapping(asMapping(on, path)['workflow_call'], place) : {};
  refuseOtherKeys(call, ['inputs', 'secrets', 'outputs'], place);
  return {
    place,
    inputs: mapEntries(call['inputs'], `${place}.inputs`, readInput),
    secrets: mapEntries(call['secrets'], `${place}.secrets`, (secret, where) => {
      refuseOtherKeys(secret, ['description', 'required'], where);
      return readFlag(secret['required'], `${where}.required`);
    }),
    outputs: Object.fromEntries(
      mapEntries(call['outputs'], `${place}.outputs`, (output, where) => {
        refuseOtherKeys(output, ['description', 'value'], where);
        checkValue(output['value'], 'callOutput', `${where}.value`);
        return asText(output['value'], `${where}.value`);
      }),
    ),
  };
}

/** Throws for inputs and secrets that the callee does not have, and for required ones that the caller does not name. */
export function checkCall(job: CallJob, call: CallDefinition): void {
  const required = (names: Iterable<readonly [string, boolean]>): string[] =>
    [...names].flatMap(([name, isRequired]) => (isRequired ? [name] : []));
  const inputs = [...call.inputs].map(([name, input]) => [name, input.required] as const);
  const check = (kind: 'input' | 'secret', key: string, given: readonly string[], known: readonly string[]): void => {
    const unknown = given.find((name) => !known.some((other) => same(other, name)));
    if (unknown !== undefined) throw new Error(`${job.place}.${key}: ${job.uses} has no ${kind} '${unknown}'`);
    const missing = required(kind === 'input' ? inputs : call.secrets).find(
      (name) => !given.some((other) => same(other, name)),
    );
    if (missing !== undefined) {
      throw new Error(`${job.place}.${key}: ${kind} '${missing}' of ${job.uses} is required and is not given`);
    }
  };
  check('input', 'with', Object.keys(job.with), [...call.inputs.keys()]);
  check('secret', 'secrets', Object.keys(job.secrets), [...call.secrets.keys()]);
}

/** Returns the context `inputs` of a called workflow, each value as what its type says. */
export function callInputs(job: CallJob, call: CallDefinition, contexts: Contexts): Record<string, InputValue> {
  const given = Object.entries(job.with);
  return Object.fromEntries(
    [...call.inputs].map(([name, { type, fallback }]) => {
      const [, value] = given.find(([other]) => same(other, name)) ?? [];
      const place = value === undefined ? `${call.place}.inputs.${name}.default` : `${job.place}.with.${name}`;
      const template = value === undefined ? fallback : value;
      const evaluated = at(place, () => evaluateValue(template, contexts));
      return [name, template === undefined ? emptyInput(type) : asTyped(evaluated, type, place)];
    }),
  );
}

/**
 * Stands for the token of whatever job reads a secret that is passed on as `${{ secrets.GITHUB_TOKEN }}`: each job has its
 * own, and none is there yet when a workflow is called.
 */
export const TOKEN_TO_COME = '\0GITHUB_TOKEN\0';

/** Returns the context `secrets` of a called workflow: what is passed, and nothing else. */
export function callSecrets(
  job: CallJob,
  call: CallDefinition,
  contexts: Contexts,
  passed: Readonly<Record<string, string>>,
): Record<string, string> {
  const secrets = { GITHUB_TOKEN: TOKEN_TO_COME, ...passed };
  const entries = Object.entries(job.secrets).map(([name, template]) => {
    const declared = [...call.secrets.keys()].find((other) => same(other, name)) ?? name;
    const place = `${job.place}.secrets.${name}`;
    return [
      declared,
      asText(
        at(place, () => evaluateValue(template, { ...contexts, secrets })),
        place,
      ),
    ] as const;
  });
  return Object.fromEntries(entries);
}

function readInput(input: Readonly<Record<string, unknown>>, where: string): CallInput {
  refuseOtherKeys(input, ['description', 'type', 'required', 'default', 'deprecationMessage'], where);
  const type = TYPES.find((known) => known === input['type']);
  if (type === undefined) throw new Error(`${where}.type must be ${TYPES.join(', ')}`);
  const fallback = input['default'];
  checkValue(fallback, 'workflow', `${where}.default`);
  if (typeof fallback !== 'string' || !fallback.includes('${{')) asTyped(fallback, type, `${where}.default`);
  return { type, required: readFlag(input['required'], `${where}.required`), fallback };
}

/** Reads `required:`; absent means no. */
function readFlag(value: unknown, where: string): boolean {
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  throw new Error(`${where} is neither true nor false`);
}

function mapEntries<T>(
  value: unknown,
  where: string,
  read: (entry: Readonly<Record<string, unknown>>, where: string) => T,
): Map<string, T> {
  return new Map(
    Object.entries(asMapping(value, where)).map(([name, entry]) => {
      const place = `${where}.${name}`;
      return [name, read(asMapping(entry, place), place)];
    }),
  );
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
