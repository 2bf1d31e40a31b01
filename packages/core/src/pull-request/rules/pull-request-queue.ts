import type { ChangeRule } from '../../plugin/rule.ts';
import { requireCommand } from '../form.ts';

/** An error: it is the first state of the queue, and a pull request outside of the queue is in nobody's hands. */
export const pullRequestQueue: ChangeRule = {
  id: 'pull-request-queue',
  level: 'error',
  description: 'The description of a release pull request says `/queue need-queue`.',
  judges: 'change',
  *judge(subject) {
    yield* requireCommand(subject, 'queue', 'need-queue', 'without it the pull request is not in the queue');
  },
};
