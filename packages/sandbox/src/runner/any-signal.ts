import { setMaxListeners } from 'node:events';

/** Returns a signal that is aborted as soon as one of the given ones is; any number of jobs can listen to it. */
export function anySignal(...signals: AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any(signals);
  setMaxListeners(0, signal);
  return signal;
}
