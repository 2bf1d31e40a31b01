import type { StorageSettings } from '../configuration/storage.ts';
import { listMergedPullRequests } from '../github/commit-pull-requests.ts';
import { listCommitsBetween } from '../github/commit-range.ts';
import type { EventContext } from '../github/event.ts';
import { mapPooled } from '../util/pool.ts';
import type { StorageRepository } from './storage-repository.ts';

const AT_ONCE = 4;
/** What GitHub sends as the id before a branch was made. */
const NONE = /^0+$/;

/**
 * Finds the commits of a push that came to a distribution without a pull request, although its policy is
 * `add: pull-request`; says of each what is wrong. Nothing is undone: who may push there can also put it right.
 */
export async function findDirectPushes(
  storage: StorageRepository,
  { distributions }: StorageSettings,
  { name, ref, payload }: Pick<EventContext, 'name' | 'ref' | 'payload'>,
): Promise<string[]> {
  const distribution = distributions.find((each) => ref === `refs/heads/${each.name}`);
  const { before, after } = payload;
  if (name !== 'push' || distribution?.add !== 'pull-request') return [];
  if (typeof before !== 'string' || typeof after !== 'string' || NONE.test(before) || NONE.test(after)) return [];
  const commits = await listCommitsBetween(storage.github, storage.name, before, after);
  const problems = await mapPooled(commits, AT_ONCE, async (commit) => {
    const pulls = await listMergedPullRequests(storage.github, storage.name, commit, distribution.name);
    if (pulls.length > 0) return [];
    return [
      `${commit} was pushed to '${distribution.name}' without a pull request, and its policy is add: pull-request. ` +
        'Revert it, and open a pull request; protect the branch so that nobody can push to it.',
    ];
  });
  return problems.flat();
}
