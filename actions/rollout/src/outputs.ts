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

/** The plan and where it belongs; where the deployment could not be looked at, only what was known before. */
export type PrintedPlan = Partial<RolloutPlan> &
  Pick<RolloutPlan, 'deployment' | 'digest'> & { readonly distribution: string; readonly namespace: string };

export interface Outputs extends RolloutResult {
  readonly digest: Digest;
  readonly seconds: number;
  readonly plan: PrintedPlan;
  readonly [name: string]: unknown;
}
