/** Where the parts of an action tell what they do; the ring connects it to the runner's log. */
export interface Log {
  info(message: string): void;
  warning(message: string): void;
}

/** Says nothing; for callers that have nobody to tell. */
export const silentLog: Log = { info: () => undefined, warning: () => undefined };
