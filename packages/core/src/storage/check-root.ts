import { CONFIGURATION_FILE } from '../configuration/configuration.ts';
import type { TreeEntry } from '../github/git-data.ts';
import type { TreeReader } from '../github/tree-reader.ts';
import { DIRECTORY, isBlocked, PACKAGES } from './packages.ts';

/** Holds the workflows that a push to the branch starts. */
const WORKFLOWS = '.github/workflows';

/**
 * Returns what is wrong with a branch beside its package versions: it must keep the directory they are in, it must not
 * change what runs with the repository's secrets, and it must not bring a configuration. The policy is the one of the default branch, so that one here would only deceive its readers.
 */
export async function checkRoot(reader: TreeReader, mergeBase: string, head: string): Promise<string[]> {
  const [before, after] = await Promise.all([reader.read(mergeBase), reader.read(head)]);
  const problems = isBlocked(after) ? [`\`${PACKAGES}\` is no directory. Make it one again.`] : [];
  const configuration = await findEntry(reader, after, CONFIGURATION_FILE);
  if (configuration !== undefined && configuration !== (await findEntry(reader, before, CONFIGURATION_FILE))) {
    problems.push(
      `${CONFIGURATION_FILE} does not belong on the branch of a distribution: the one of the default branch holds. ` +
        'Take it away, and change that one.',
    );
  } else if ((await findEntry(reader, before, WORKFLOWS)) !== (await findEntry(reader, after, WORKFLOWS))) {
    problems.push(
      `${WORKFLOWS} is changed: what stands there runs with the secrets of this repository once it is merged. An administrator ` +
        'who has read it merges it past this check; put nothing else into that pull request.',
    );
  }
  return problems;
}

/** Returns the id of what stands at a path below a tree; undefined when there is nothing. */
async function findEntry(reader: TreeReader, entries: readonly TreeEntry[], path: string): Promise<string | undefined> {
  const [first = '', ...rest] = path.split('/');
  const entry = entries.find((each) => each.path === first);
  if (entry === undefined || rest.length === 0) return entry?.id;
  return entry.mode === DIRECTORY ? findEntry(reader, await reader.read(entry.id), rest.join('/')) : undefined;
}
