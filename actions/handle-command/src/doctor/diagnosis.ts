import { ActionError, ConfigurationError } from '@slipway/core/errors';

/** What a check has found; `unknown`: it could not be looked at. Only an `error` makes the step fail. */
export interface Diagnosis {
  readonly check: string;
  readonly state: 'ok' | Illness;
  readonly found: string;
  /** What to do about it; empty where nothing has to be done. */
  readonly cure: string;
}

type Illness = 'warning' | 'error' | 'unknown';

export function fine(check: string, found: string): Diagnosis {
  return { check, state: 'ok', found, cure: '' };
}

export function ill(check: string, state: Illness, found: string, cure: string): Diagnosis {
  return { check, state, found, cure };
}

/** Returns what a failed look says; `cure` where its message holds none. Anything but a failed look is thrown on. */
export function failed(check: string, state: Illness, error: unknown, cure = ''): Diagnosis {
  if (error instanceof ActionError || error instanceof ConfigurationError) {
    return ill(check, state, error.message.trim(), cure);
  }
  throw error;
}
