import type { EventContext } from '@slipway/core/github/event';
import { isRecord } from '@slipway/core/util/record';

/** What started a command: never more than who and where, for everything else is read again. */
export type Trigger =
  | { readonly kind: 'comment'; readonly number: number; readonly id: number; readonly body: string }
  | {
      readonly kind: 'pull-request';
      readonly number: number;
      readonly action: 'opened' | 'edited' | 'reopened' | 'synchronize' | 'ready_for_review';
      /** The description when that happened. */
      readonly body: string;
      /** The description before it was edited; undefined when something else was. */
      readonly previousBody: string | undefined;
      /** Whether the pull request's author, a person, did that. */
      readonly isByAuthor: boolean;
      /** The head before a push. */
      readonly before: string | undefined;
    }
  | { readonly kind: 'dispatch'; readonly by: string }
  | { readonly kind: 'none'; readonly reason: string };

const ACTIONS = ['opened', 'edited', 'reopened', 'synchronize', 'ready_for_review'] as const;

/** Returns what an event is about; its payload comes from outside and is read field by field. */
export function readTrigger({ name, payload, actor }: EventContext): Trigger {
  switch (name) {
    case 'issue_comment':
      return readComment(payload);
    case 'pull_request':
    case 'pull_request_target':
      return readPullRequest(payload);
    case 'workflow_dispatch':
      return actor === undefined ? ignore('nobody is said to have dispatched it') : { kind: 'dispatch', by: actor };
    default:
      return ignore(`the event ${name || '(none)'} holds no command`);
  }
}

function readComment(payload: Readonly<Record<string, unknown>>): Trigger {
  const issue = recordOf(payload['issue']);
  const comment = recordOf(payload['comment']);
  if (payload['action'] !== 'created') return ignore('only a new comment commands, not one that was edited or deleted');
  if (!isRecord(issue['pull_request'])) return ignore('the comment is on an issue, not on a pull request');
  const { number } = issue;
  const { id, body } = comment;
  if (typeof number !== 'number' || typeof id !== 'number' || typeof body !== 'string') {
    return ignore('the event says not which comment it is about');
  }
  return { kind: 'comment', number, id, body };
}

function readPullRequest(payload: Readonly<Record<string, unknown>>): Trigger {
  const pull = recordOf(payload['pull_request']);
  const action = ACTIONS.find((known) => known === payload['action']);
  const { number } = pull;
  if (action === undefined) return ignore(`nothing is to be done when a pull request is ${String(payload['action'])}`);
  if (typeof number !== 'number') return ignore('the event says not which pull request it is about');
  const author = recordOf(pull['user']);
  const sender = recordOf(payload['sender']);
  const previous = recordOf(recordOf(payload['changes'])['body'])['from'];
  const { before } = payload;
  return {
    kind: 'pull-request',
    number,
    action,
    body: typeof pull['body'] === 'string' ? pull['body'] : '',
    previousBody: typeof previous === 'string' ? previous : undefined,
    isByAuthor: typeof author['id'] === 'number' && author['id'] === sender['id'] && author['type'] !== 'Bot',
    before: typeof before === 'string' && /^[0-9a-f]{40}$/.test(before) ? before : undefined,
  };
}

function ignore(reason: string): Trigger {
  return { kind: 'none', reason: `${reason[0]?.toUpperCase()}${reason.slice(1)}.` };
}

function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
