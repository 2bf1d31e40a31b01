import { APP_INPUTS } from '@slipway/core/action/github-access';
import {
  COMMON_INPUTS,
  flag,
  type InputsOf,
  list,
  oneOf,
  optional,
  parseJson,
  positiveInteger,
  required,
  text,
  withDefault,
} from '@slipway/core/action/inputs';
import { TARGET_INPUTS } from '@slipway/core/action/registry-access';
import { type PackageSelection, parseSelection } from '@slipway/core/storage/package-selection';

export const inputs = {
  ...COMMON_INPUTS,
  ...APP_INPUTS,
  ...TARGET_INPUTS,
  mode: required(oneOf('add', 'remove', 'gate')),
  'pull-request': optional(positiveInteger),
  packages: optional(selection),
  from: optional(text),
  to: optional(text),
  overwrite: withDefault(flag, 'false'),
  reason: optional(text),
} as const;

export type Inputs = InputsOf<typeof inputs>;

/** `all`, a JSON array, or one package a line. */
function selection(value: string, name: string): PackageSelection {
  return parseSelection(value.startsWith('[') ? parseJson(value, name) : list(value, name), `input '${name}'`);
}
