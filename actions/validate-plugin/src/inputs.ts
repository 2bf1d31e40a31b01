import {
  COMMON_INPUTS,
  flag,
  type InputsOf,
  list,
  optional,
  positiveInteger,
  text,
  withDefault,
} from '@slipway/core/action/inputs';
import { SOURCE_INPUTS } from '@slipway/core/action/registry-access';
import { ConfigurationError } from '@slipway/core/errors';
import type { PushedImage } from '@slipway/core/plugin/subject';

export const inputs = {
  ...COMMON_INPUTS,
  ...SOURCE_INPUTS,
  'pull-request': optional(positiveInteger),
  commit: optional(commitId),
  directory: optional(text),
  images: optional(pushedImages),
  all: withDefault(flag, 'false'),
  'check-images': withDefault(flag, 'false'),
} as const;

export type Inputs = InputsOf<typeof inputs>;

/**
 * References as the input `list` takes them, each with its line in the text: that is where a finding points. JSON has no
 * lines that people count.
 */
function pushedImages(value: string, name: string): PushedImage[] {
  if (value.startsWith('[')) return list(value, name).map((reference) => ({ reference, line: 1 }));
  return value
    .split('\n')
    .map((text, index) => ({ reference: text.trim(), line: index + 1 }))
    .filter(({ reference }) => reference !== '' && !reference.startsWith('#'));
}

/** A whole commit id: the short form of one can be made to fit another commit. */
function commitId(value: string, name: string): string {
  if (/^[0-9a-f]{40}$/.test(value)) return value;
  throw new ConfigurationError(
    'invalid-input',
    `input '${name}': '${value}' is no commit id of 40 hexadecimal digits.`,
  );
}
