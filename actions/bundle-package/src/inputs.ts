import { COMMON_INPUTS, type InputsOf, json, required, text, withDefault } from '@slipway/core/action/inputs';
import { PACKAGE_INPUTS } from '@slipway/core/action/plugin-package';
import { parsePlugin } from '@slipway/core/plugin/plugin';

export const inputs = {
  ...COMMON_INPUTS,
  ...PACKAGE_INPUTS,
  plugin: required(json(parsePlugin)),
  output: withDefault(text, 'packages'),
} as const;

export type Inputs = InputsOf<typeof inputs>;
