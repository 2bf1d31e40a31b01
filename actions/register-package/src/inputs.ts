import { APP_INPUTS } from '@slipway/core/action/github-access';
import { COMMON_INPUTS, type InputsOf, json, optional, required, secret, text } from '@slipway/core/action/inputs';
import { type Package, parsePackage } from '@slipway/core/archive/package';
import { ConfigurationError } from '@slipway/core/errors';

export const inputs = {
  ...COMMON_INPUTS,
  ...APP_INPUTS,
  packages: required(json(parsePackages)),
  repository: optional(text),
  'storage-token': secret(),
  distribution: optional(text),
} as const;

export type Inputs = InputsOf<typeof inputs>;

function parsePackages(value: unknown, origin: string): readonly Package[] {
  if (!Array.isArray(value)) throw new ConfigurationError('invalid-package', `${origin} is not a list of packages`);
  return value.map((item: unknown, index) => parsePackage(item, `${origin}, package ${index + 1}`));
}
