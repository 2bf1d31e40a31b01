import { type ChangeRule, START } from '../../plugin/rule.ts';
import { readCommands } from '../commands.ts';
import { formOf } from '../form.ts';

/** Who stands in templates until somebody writes a name there. */
const PLACEHOLDER = 'plugin-owner';

/** A warning: the owner can be asked for a review in other ways, and without one nothing is released anyway. */
export const pullRequestCc: ChangeRule = {
  id: 'pull-request-cc',
  level: 'warning',
  description:
    'The description of a release pull request asks an owner, an approver in OWNERS, for a review with `/cc @<owner>`.',
  judges: 'change',
  *judge(subject) {
    const form = formOf(subject);
    if (form === undefined) return;
    const commands = readCommands(form.body).filter(({ name }) => name === 'cc');
    const author = form.author.toLowerCase();
    const mayApprove = (login: string): boolean =>
      subject.owners === undefined ? login !== PLACEHOLDER : subject.owners.includes(login);
    const asked = commands
      .flatMap(({ words }) => words.map((word) => word.replace(/^@/, '').replace(/,$/, '').toLowerCase()))
      .filter((login) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(login) && login !== author && mayApprove(login));
    if (asked.length > 0) return;
    const others = subject.owners?.filter((login) => login !== author) ?? [];
    yield {
      file: '',
      position: commands[0] ?? START,
      message: 'The description of the pull request asks no owner of the plugin for a review.',
      fix:
        others.length === 0
          ? 'Add the line: /cc @<plugin-owner> (the login of an owner who is not the author)'
          : `Add the line: /cc @${others[0]}${others.length > 1 ? ` (or ${others.slice(1, 4).join(', ')})` : ''}`,
    };
  },
};
