import type { Digest } from '@slipway/core/image/digest';
import type { RolloutPlan } from '@slipway/core/kubernetes/rollout-plan';

/** What came of a rollout, and why when it is not what was asked for. */
export interface RolloutResult {
  /** Empty when it was only asked what would be done, and that is a restart. */
  readonly result: 'rolled-out' | 'unchanged' | 'superseded' | 'failed' | '';
  /** Why it failed or was superseded; else empty. */
  readonly reason: string;
  readonly changed: boolean;
}

export interface Outputs extends RolloutResult {
  readonly digest: Digest;
  readonly seconds: number;
  readonly plan: RolloutPlan & { readonly distribution: string; readonly namespace: string };
  readonly [name: string]: unknown;
}
