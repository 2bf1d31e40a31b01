import type { ChangeRule } from '../../plugin/rule.ts';
import { requireCommand } from '../form.ts';

/** An error: the release team works off `label:kind/release`, and what has not the label is never looked at. */
export const pullRequestKind: ChangeRule = {
  id: 'pull-request-kind',
  level: 'error',
  description: 'The description of a release pull request says `/kind release`.',
  judges: 'change',
  *judge(subject) {
    yield* requireCommand(subject, 'kind', 'release', 'without it the release team does not see the pull request');
  },
};
