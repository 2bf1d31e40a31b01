import {
  COMMON_INPUTS,
  flag,
  type InputsOf,
  json,
  optional,
  secret,
  text,
  withDefault,
} from '@slipway/core/action/inputs';
import { PACKAGE_INPUTS } from '@slipway/core/action/plugin-package';
import { parsePackage } from '@slipway/core/archive/package';
import { parsePlugin } from '@slipway/core/plugin/plugin';

export const inputs = {
  ...COMMON_INPUTS,
  ...PACKAGE_INPUTS,
  package: optional(json(parsePackage)),
  file: optional(text),
  plugin: optional(json(parsePlugin)),
  destination: optional(text),
  region: optional(text),
  endpoint: optional(text),
  'access-key-id': secret(),
  'access-key-secret': secret(),
  'security-token': secret(),
  overwrite: withDefault(flag, 'false'),
  reason: optional(text),
} as const;

export type Inputs = InputsOf<typeof inputs>;
