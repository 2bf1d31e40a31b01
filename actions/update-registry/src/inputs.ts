import { APP_INPUTS } from '@slipway/core/action/github-access';
import { COMMON_INPUTS, type InputsOf, list, optional, required, text } from '@slipway/core/action/inputs';
import { SOURCE_INPUTS } from '@slipway/core/action/registry-access';

export const inputs = {
  ...COMMON_INPUTS,
  ...APP_INPUTS,
  ...SOURCE_INPUTS,
  version: required(text),
  distributions: optional(list),
} as const;

export type Inputs = InputsOf<typeof inputs>;
