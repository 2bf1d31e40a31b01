import {
  COMMON_INPUTS,
  flag,
  type InputsOf,
  json,
  optional,
  positiveInteger,
  required,
  text,
  withDefault,
} from '@slipway/core/action/inputs';
import { TARGET_INPUTS } from '@slipway/core/action/registry-access';
import { digest, duration, packageVersions } from './input-values.ts';

export const inputs = {
  ...COMMON_INPUTS,
  ...TARGET_INPUTS,
  distribution: required(text),
  digest: optional(digest),
  // Masked by `run`, unless it is a path: that is no secret, and masking it would hide it in messages.
  kubeconfig: optional(text),
  timeout: withDefault(duration, '10m'),
  undo: withDefault(flag, 'false'),
  'log-lines': withDefault(positiveInteger, '20'),
  expect: optional(json(packageVersions)),
} as const;

export type Inputs = InputsOf<typeof inputs>;
