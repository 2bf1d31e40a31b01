/**
 * A mistake that the user can mend: the message is the cure, so it is shown without a stack.
 *
 * Thrown for wrong inputs, missing settings and refused plans; never for something that a re-run could heal.
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** Names the kind of mistake, kebab-case, stable over versions. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * A failure of the world outside: a registry, a disk, a network. It keeps its cause, so that nothing is lost on the
 * way up, and says what happened, where, why, and what to do now.
 */
export class ActionError extends Error {
  override readonly name: string = 'ActionError';
  /** Names the kind of failure, kebab-case, stable over versions. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Returns what `thrown` says, whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The code of what nobody foresaw. */
export const INTERNAL = 'internal';

/** Returns the code of an error of ours. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof ConfigurationError || thrown instanceof ActionError ? thrown.code : INTERNAL;
}

/** Returns what `thrown` says, with its code. */
export function explainError(thrown: unknown): string {
  return withCode(messageOf(thrown), codeOf(thrown));
}

/**
 * Returns a message with its code behind it, by which docs/errors.md has the cause and the cure. Behind lines that people
 * copy it stands apart.
 */
export function withCode(message: string, code: string): string {
  const text = message.trimEnd();
  return `${text}${text.includes('\n') ? '\n\n' : ' '}[${code}]`;
}

/** Returns the system's error code (`ENOSPC`, `ECONNRESET`, …) of `thrown` or of one of its causes. */
export function systemCodeOf(thrown: unknown): string | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && typeof error.code === 'string') return error.code;
  }
  return undefined;
}
