import { type Contexts, evaluateCondition, evaluateText } from './expressions.ts';
import type { JobState } from './job-state.ts';
import { at } from './reason.ts';

/** What of a step decides how long it goes on. */
interface Stoppable {
  readonly place: string;
  readonly condition: string | undefined;
  readonly timeoutMinutes: string | undefined;
}

/** How a step is stopped from outside. */
export interface Stop {
  /** Ends the step's process. */
  readonly signal: AbortSignal;
  timedOut(): boolean;
  cancelled(): boolean;
  release(): void;
}

/**
 * Stops a step when its time is up, or when the job is cancelled while it runs; unless its condition still holds then,
 * as `always()` does.
 */
export function watchStop(task: Stoppable, state: JobState, contexts: Contexts, cancel: AbortSignal): Stop {
  const controller = new AbortController();
  let reason: 'timeout' | 'cancel' | undefined;
  const stop = (why: 'timeout' | 'cancel'): void => {
    reason ??= why;
    controller.abort();
  };
  const onCancel = (): void => {
    state.cancel();
    if (!persists(task, contexts, state)) stop('cancel');
  };
  if (!cancel.aborted) cancel.addEventListener('abort', onCancel, { once: true });
  const limit = task.timeoutMinutes;
  const minutes = limit === undefined ? undefined : readMinutes(limit, `${task.place}.timeout-minutes`, contexts);
  const timer = minutes === undefined ? undefined : setTimeout(() => stop('timeout'), minutes * 60_000);
  return {
    signal: controller.signal,
    timedOut: () => reason === 'timeout',
    cancelled: () => reason === 'cancel',
    release: () => {
      clearTimeout(timer);
      cancel.removeEventListener('abort', onCancel);
    },
  };
}

function persists({ condition }: Stoppable, contexts: Contexts, { standing }: JobState): boolean {
  try {
    return evaluateCondition(condition, contexts, standing);
  } catch {
    return false;
  }
}

/** The longest time that a timer can take. */
const MAX_MINUTES = 35_000;

/** Reads a `timeout-minutes`; parts of a minute are allowed. */
export function readMinutes(template: string, place: string, contexts: Contexts): number {
  const text = at(place, () => evaluateText(template, contexts));
  const minutes = Number(text);
  if (text.trim() === '' || Number.isNaN(minutes) || minutes < 0) throw new Error(`${place} is '${text}', no number`);
  return Math.min(minutes, MAX_MINUTES);
}
