import type { Draft } from '../plugin/rule.ts';
import { START } from '../plugin/rule.ts';
import type { PullRequestForm, Subject } from '../plugin/subject.ts';
import { readCommands } from './commands.ts';

/**
 * Returns the pull request whose form is to be judged: one that releases something. Whoever only deletes a plugin or
 * changes a document asks the release team for nothing.
 */
export function formOf({ pullRequest, files }: Subject): PullRequestForm | undefined {
  return files.some(({ touched, released }) => touched && released) ? pullRequest : undefined;
}

/** Judges whether the body holds the command `/<name> <word>`; another word in its place is pointed at. */
export function* requireCommand(subject: Subject, name: string, word: string, why: string): Iterable<Draft> {
  const form = formOf(subject);
  if (form === undefined) return;
  const commands = readCommands(form.body).filter((command) => command.name === name);
  if (commands.some(({ words }) => words.length === 1 && words[0]?.toLowerCase() === word)) return;
  const other = commands.find(({ words }) => words.length > 0);
  yield {
    file: '',
    position: other ?? START,
    message:
      other === undefined
        ? `The description of the pull request has no line '/${name} ${word}': ${why}.`
        : `The description of the pull request says '/${name} ${other.words.join(' ')}', not '/${name} ${word}': ${why}.`,
    fix: other === undefined ? `Add the line: /${name} ${word}` : `Write on line ${other.line}: /${name} ${word}`,
  };
}
