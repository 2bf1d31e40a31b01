import type { Package } from '@slipway/core/archive/package';
import type { Plugin } from '@slipway/core/plugin/plugin';

export interface Outputs {
  readonly result: 'release' | 'updated' | 'refused' | 'ignored';
  readonly reason: string;
  /** Empty when there is none. */
  readonly 'pull-request': number | '';
  /** Empty when there is none. */
  readonly commit: string;
  /** Those to release now; none unless the result is `release`. */
  readonly plugins: readonly Plugin[];
  /** References of the list of pushed images that was honoured; none unless the result is `release`. */
  readonly images: readonly string[];
  /** Those of the release that are uploaded. */
  readonly packages: readonly Package[];
  readonly overwrite: boolean;
  readonly 'release-reason': string;
  readonly plan: unknown;
  readonly changed: boolean;
  readonly [name: string]: unknown;
}

/** Returns the outputs of a mode: every action sets all of its outputs, and most of these are empty most of the time. */
export function makeOutputs(result: Outputs['result'], reason: string, some: Partial<Outputs> = {}): Outputs {
  return {
    'pull-request': '',
    commit: '',
    plugins: [],
    images: [],
    packages: [],
    overwrite: false,
    'release-reason': '',
    plan: [],
    changed: false,
    ...some,
    result,
    reason,
  };
}
