import { nearest } from '../util/nearest.ts';
import type { Command } from './commands.ts';
import { KINDS, QUEUE_STATES } from './labels.ts';

/** What a command asks for, or why it asks for nothing that can be done. */
export type Request =
  | { readonly wants: 'kind'; readonly kind: string }
  /** Takes the release back, or says that there is none yet. */
  | { readonly wants: 'withdrawal' }
  | { readonly wants: 'release' }
  | { readonly wants: 'reviews'; readonly users: readonly string[]; readonly teams: readonly string[] }
  | { readonly wants: 'nothing'; readonly problem: string };

/** https://docs.github.com/enterprise-cloud@latest/admin/concepts/identity-and-access-management/username-considerations */
const LOGIN = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})$/;
const TEAM = /^([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))\/([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})$/;

/**
 * Returns what commands ask for; `/kind need-kind` is a placeholder and asks for nothing, and commands of other names are
 * somebody else's. `owner` is the organisation that the repository belongs to: only its teams can review.
 */
export function readRequests(commands: readonly Command[], owner: string): Request[] {
  return commands.flatMap((command): Request[] => {
    switch (command.name) {
      case 'kind':
        return readKind(command);
      case 'queue':
        return readQueue(command);
      case 'cc':
        return readReviewers(command, owner);
      default:
        return [];
    }
  });
}

function readKind({ name, words }: Command): Request[] {
  const word = onlyWord(words);
  if (word === 'need-kind') return [];
  if (word !== undefined && isOneOf(word, KINDS)) return [{ wants: 'kind', kind: word }];
  return [refuse(name, words, KINDS)];
}

function readQueue({ name, words }: Command): Request[] {
  switch (onlyWord(words)) {
    case 'need-queue':
      return [{ wants: 'withdrawal' }];
    case 'working-image-pushed':
      return [{ wants: 'release' }];
    case 'done-package-uploaded':
      return [
        {
          wants: 'nothing',
          problem:
            '/queue done-package-uploaded is set by Slipway alone, once the packages are uploaded. ' +
            'Write /queue working-image-pushed to have them released.',
        },
      ];
    default:
      return [refuse(name, words, QUEUE_STATES)];
  }
}

function readReviewers({ words }: Command, owner: string): Request[] {
  const names = words.map((word) => word.replace(/^@/, '').replace(/,$/, '')).filter((word) => word !== '');
  const users = names.filter((name) => LOGIN.test(name));
  const teams = names.flatMap((name) => {
    const [, organization, slug] = TEAM.exec(name) ?? [];
    return slug !== undefined && organization?.toLowerCase() === owner.toLowerCase() ? [slug] : [];
  });
  if (users.length + teams.length === names.length && names.length > 0) return [{ wants: 'reviews', users, teams }];
  const problem = `/cc takes logins and teams of ${owner}: /cc @somebody @${owner}/team. Not so: ${shorten(words.join(' ')) || '(nothing)'}`;
  return [
    ...(users.length + teams.length > 0 ? [{ wants: 'reviews', users, teams } as const] : []),
    { wants: 'nothing', problem },
  ];
}

function onlyWord(words: readonly string[]): string | undefined {
  return words.length === 1 ? words[0]?.toLowerCase() : undefined;
}

function isOneOf(word: string, known: readonly string[]): boolean {
  return known.includes(word);
}

/** Characters of what somebody wrote that are said back to him: more would hide what is wrong with it. */
const LONGEST = 100;

function shorten(said: string): string {
  return said.length <= LONGEST ? said : `${said.slice(0, LONGEST)}…`;
}

function refuse(name: string, words: readonly string[], known: readonly string[]): Request {
  const said = shorten(`/${[name, ...words].join(' ')}`);
  if (words.length > 1) {
    return {
      wants: 'nothing',
      problem: `${said} names ${words.length} words, and there is one at a time: write one of them.`,
    };
  }
  const meant = nearest(words[0] ?? '', known);
  const cure = meant === undefined ? `Known: ${known.join(', ')}.` : `Did you mean /${name} ${meant}?`;
  return { wants: 'nothing', problem: `${said} is not known. ${cure}` };
}
