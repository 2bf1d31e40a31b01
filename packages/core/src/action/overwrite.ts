import { ConfigurationError } from '../errors.ts';
import type { EventContext } from '../github/event.ts';

/**
 * Refuses to overwrite what is released unless a person asked for it and said why.
 *
 * Only a dispatch has such a person: a comment or a push would make every release replaceable by whoever can write one.
 */
export function checkOverwrite(
  { overwrite, reason }: { readonly overwrite: boolean; readonly reason: string | undefined },
  event: EventContext,
): void {
  if (!overwrite) return;
  if (reason === undefined) {
    throw new ConfigurationError(
      'overwrite-reason',
      "input 'reason' is required with overwrite: true; it is kept in the log.",
    );
  }
  if (event.name !== '' && event.name !== 'workflow_dispatch') {
    throw new ConfigurationError(
      'overwrite-event',
      `overwrite: true is refused in a workflow started by '${event.name}'. Dispatch the workflow by hand, with a reason.`,
    );
  }
}
