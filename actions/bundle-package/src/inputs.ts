import {
  COMMON_INPUTS,
  type InputsOf,
  json,
  list,
  optional,
  required,
  text,
  withDefault,
} from '@slipway/core/action/inputs';
import { TARGET_INPUTS } from '@slipway/core/action/registry-access';
import { parseImages } from '@slipway/core/image/image';
import { parsePlatform } from '@slipway/core/image/platform';
import { parsePlugin } from '@slipway/core/plugin/plugin';

export const inputs = {
  ...COMMON_INPUTS,
  ...TARGET_INPUTS,
  plugin: required(json(parsePlugin)),
  images: optional(json(parseImages)),
  platforms: optional(list),
  'docker-platform': optional(parsePlatform),
  output: withDefault(text, 'packages'),
} as const;

export type Inputs = InputsOf<typeof inputs>;
