import { classifyPath } from '../plugin/plugin-path.ts';
import type { FileChange, Subject } from '../plugin/subject.ts';
import { readCommands } from './commands.ts';

/**
 * Says whether a pull request asks for a release: it changes something in the directory of the plugins, were it only to
 * delete it, or it says so with `/kind release`.
 */
export function isReleaseRequest({
  changes,
  configuration,
  pullRequest,
}: Pick<Subject, 'changes' | 'configuration' | 'pullRequest'>): boolean {
  const { directory } = configuration.plugins;
  const isInside = (path: string): boolean => classifyPath(path, directory).kind !== 'outside';
  if (changes.some((change) => pathsOf(change).some(isInside))) return true;
  return readCommands(pullRequest?.body ?? '').some(
    ({ name, words }) => name === 'kind' && words.some((word) => word.toLowerCase() === 'release'),
  );
}

/** Returns where a file is, and where a renamed one was. */
export function pathsOf(change: FileChange): string[] {
  return change.status === 'renamed' && change.previousPath !== undefined
    ? [change.path, change.previousPath]
    : [change.path];
}
