import {
  COMMON_INPUTS,
  flag,
  type InputsOf,
  list,
  oneOf,
  optional,
  text,
  withDefault,
} from '@slipway/core/action/inputs';
import { SOURCE_INPUTS, TARGET_INPUTS } from '@slipway/core/action/registry-access';
import { readImages } from './images.ts';

export const inputs = {
  ...COMMON_INPUTS,
  ...SOURCE_INPUTS,
  ...TARGET_INPUTS,
  images: optional(readImages),
  'image-file': optional(text),
  platforms: optional(list),
  overwrite: withDefault(flag, 'false'),
  reason: optional(text),
  referrers: withDefault(flag, 'false'),
  spool: withDefault(oneOf('auto', 'off'), 'auto'),
} as const;

export type Inputs = InputsOf<typeof inputs>;
