import { APP_INPUTS } from '@slipway/core/action/github-access';
import {
  COMMON_INPUTS,
  flag,
  type InputsOf,
  json,
  oneOf,
  optional,
  positiveInteger,
  required,
  text,
  withDefault,
} from '@slipway/core/action/inputs';
import { SOURCE_INPUTS, TARGET_INPUTS } from '@slipway/core/action/registry-access';
import { type Package, parsePackage } from '@slipway/core/archive/package';
import { ConfigurationError } from '@slipway/core/errors';
import { type Plugin, parsePlugin } from '@slipway/core/plugin/plugin';
import { isRecord } from '@slipway/core/util/record';

export const inputs = {
  ...COMMON_INPUTS,
  ...SOURCE_INPUTS,
  ...TARGET_INPUTS,
  ...APP_INPUTS,
  mode: required(oneOf('command', 'bind', 'verify', 'report', 'merged', 'sweep', 'doctor')),
  'pull-request': optional(positiveInteger),
  commit: optional(commitId),
  packages: optional(json(listOf(parsePackage))),
  'packages-directory': optional(text),
  plugins: optional(json(listOf(parsePlugin))),
  'check-images': withDefault(flag, 'true'),
  failed: withDefault(flag, 'false'),
  reason: optional(text),
  overwrite: withDefault(flag, 'false'),
  secrets: optional(json(presentSecrets)),
  workflow: optional(workflowFile),
} as const;

export type Inputs = InputsOf<typeof inputs>;

function listOf<T extends Plugin | Package>(parse: (value: unknown, origin: string) => T) {
  return (value: unknown, origin: string): readonly T[] => {
    if (!Array.isArray(value)) throw new ConfigurationError('invalid-input', `${origin} is no JSON array.`);
    return value.map((item: unknown, index) => parse(item, `${origin}, item ${index + 1}`));
  };
}

/** Which secrets there are, by name: their values never leave the workflow file. */
function presentSecrets(value: unknown, origin: string): Readonly<Record<string, boolean>> {
  const given = isRecord(value) ? Object.entries(value) : undefined;
  const flags = given?.flatMap(([name, isPresent]) => (typeof isPresent === 'boolean' ? [[name, isPresent]] : []));
  if (given !== undefined && flags?.length === given.length) return Object.fromEntries(flags);
  throw new ConfigurationError(
    'invalid-input',
    `${origin} is no JSON object from the names of secrets to true or false: never give their values.`,
  );
}

/** A file below `.github/workflows`, by its name alone. */
function workflowFile(value: string, name: string): string {
  if (/^[A-Za-z0-9._-]+\.ya?ml$/.test(value)) return value;
  throw new ConfigurationError(
    'invalid-input',
    `input '${name}': '${value}' is no file name of a workflow, such as plugin-release.yml.`,
  );
}

/** A whole commit id: the short form of one can be made to fit another commit. */
function commitId(value: string, name: string): string {
  if (/^[0-9a-f]{40}$/.test(value)) return value;
  throw new ConfigurationError(
    'invalid-input',
    `input '${name}': '${value}' is no commit id of 40 hexadecimal digits.`,
  );
}
