import { type ChangeRule, START } from '../../plugin/rule.ts';
import { formOf } from '../form.ts';
import { hasReleaseNote } from '../release-note.ts';

/** A warning: no step depends on the note, and an empty one is allowed. */
export const pullRequestReleaseNote: ChangeRule = {
  id: 'pull-request-release-note',
  level: 'warning',
  description: 'The description of a release pull request has a release note, be it empty.',
  judges: 'change',
  *judge(subject) {
    const form = formOf(subject);
    if (form === undefined || hasReleaseNote(form.body)) return;
    yield {
      file: '',
      position: START,
      message: 'The description of the pull request has no release note.',
      fix: 'Add the line: **Release note**:',
    };
  },
};
