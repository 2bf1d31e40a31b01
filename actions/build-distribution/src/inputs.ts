import { COMMON_INPUTS, type InputsOf, oneOf, optional, text, withDefault } from '@slipway/core/action/inputs';
import { SOURCE_INPUTS, TARGET_INPUTS } from '@slipway/core/action/registry-access';
import { BUILDERS } from '@slipway/core/distribution/builder-programs';
import { ConfigurationError } from '@slipway/core/errors';

export const inputs = {
  ...COMMON_INPUTS,
  ...SOURCE_INPUTS,
  ...TARGET_INPUTS,
  distribution: optional(text),
  commit: optional(readCommitId),
  tag: optional(text),
  builder: withDefault(oneOf('slipway', ...BUILDERS), 'slipway'),
  checks: withDefault(oneOf('changed', 'all', 'off'), 'changed'),
  plan: withDefault(oneOf('keep', 'fresh'), 'keep'),
} as const;

export type Inputs = InputsOf<typeof inputs>;

/** A short id could be made to mean another commit. */
function readCommitId(value: string, name: string): string {
  if (/^[0-9a-f]{40}$/.test(value)) return value;
  throw new ConfigurationError(
    'invalid-input',
    `input '${name}': '${value}' is no commit id of 40 hexadecimal digits.`,
  );
}
