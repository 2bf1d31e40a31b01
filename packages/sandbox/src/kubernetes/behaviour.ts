/**
 * What the pods of a deployment do from now on.
 *
 * - `run` comes up;
 * - `slow` is ready only `seconds` after it has started;
 * - `crash-loop` ends with `exitCode` (default 1) a moment after each start, for the first `times` starts (default
 *   always), having written `log`;
 * - `out-of-memory` is killed by the kernel after each start;
 * - `pull-error` cannot be pulled;
 * - `config-error` names a secret that does not exist;
 * - `hang` runs and is never ready;
 * - `unschedulable` fits on no node; with `scaleUp` an autoscaler says that it brings one;
 * - `forbidden` cannot be created: a quota is used up.
 */
export type Behaviour =
  | { readonly kind: 'run' | 'out-of-memory' | 'pull-error' | 'config-error' | 'hang' | 'forbidden' }
  | { readonly kind: 'slow'; readonly seconds: number }
  | {
      readonly kind: 'crash-loop';
      readonly exitCode?: number;
      readonly log?: readonly string[];
      readonly times?: number;
      /** Only pods that run this image crash, the others run. */
      readonly digest?: string;
    }
  | { readonly kind: 'unschedulable'; readonly scaleUp?: boolean };

export const RUN: Behaviour = { kind: 'run' };
