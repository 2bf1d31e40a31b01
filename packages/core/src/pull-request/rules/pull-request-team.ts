import { type ChangeRule, START } from '../../plugin/rule.ts';
import { formOf } from '../form.ts';
import { mentionsTeam } from '../mentions.ts';

/** A warning: the mention only tells the team early; the label is what brings the pull request to it. */
export const pullRequestTeam: ChangeRule = {
  id: 'pull-request-team',
  level: 'warning',
  description:
    'The description of a release pull request mentions the team of `plugins.team`, where one is configured.',
  judges: 'change',
  *judge(subject) {
    const form = formOf(subject);
    const { team } = subject.configuration.plugins;
    if (form === undefined || team === undefined || mentionsTeam(form.body, team)) return;
    yield {
      file: '',
      position: START,
      message: `The description of the pull request does not mention @${team}.`,
      fix: `Add the line: /cc @${team}`,
    };
  },
};
