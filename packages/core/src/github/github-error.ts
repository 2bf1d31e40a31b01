import { ActionError } from '../errors.ts';

/** A refusal by GitHub that is neither about permissions nor about something missing; its status tells why. */
export class GitHubError extends ActionError {
  override readonly name = 'GitHubError';
  /** https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api */
  readonly status: number;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super('github', message, options);
    this.status = status;
  }
}

/**
 * Says whether GitHub refused a change because things are not as the caller thought (409), or refused it as invalid (422)
 * with a message that `reason` matches. GitHub has no codes that would tell one 422 from another.
 */
export function isConflict(error: unknown, reason: RegExp): boolean {
  if (!(error instanceof GitHubError)) return false;
  return error.status === 409 || (error.status === 422 && reason.test(error.message));
}
