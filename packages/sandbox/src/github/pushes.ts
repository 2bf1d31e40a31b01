import { announce } from './announce.ts';
import type { Sender } from './event-bus.ts';
import { gitText } from './git/git-command.ts';
import type { GitRepository, Ref } from './git/git-repository.ts';
import { isAncestor } from './git/history.ts';
import { type Commit, type Signature, signatureDate } from './git/objects.ts';
import type { HostedRepository } from './hosted-repository.ts';
import type { JsonObject } from './payload.ts';
import { repositoryPage } from './shapes/repository-shape.ts';
import type { Site } from './site.ts';

/** The move of a branch or tag; null is where there is none. */
export interface RefChange {
  readonly ref: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** An event tells of no more commits. @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#push */
const commitsLimit = 2048;

const nowhere = '0'.repeat(40);

/** Moves a branch or tag and tells of it; false where it is not at `before` (any more). */
export async function moveRef(
  site: Site,
  repository: HostedRepository,
  sender: Sender,
  change: RefChange,
): Promise<boolean> {
  site.movers.note(repository.fullName, change.ref, change.after, sender);
  if (!(await repository.git.updateRef(change.ref, change.after, change.before))) return false;
  await announcePush(site, repository, sender, change);
  return true;
}

/** The moves between two listings of a repository's refs. */
export function refChanges(before: readonly Ref[], after: readonly Ref[]): RefChange[] {
  const old = new Map(before.map(({ name, oid }) => [name, oid]));
  const now = new Map(after.map(({ name, oid }) => [name, oid]));
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((ref) => ({ ref, before: old.get(ref) ?? null, after: now.get(ref) ?? null }))
    .filter((change) => change.before !== change.after && /^refs\/(heads|tags)\//.test(change.ref));
}

/** Tells of a branch or tag that has moved. */
export async function announcePush(
  site: Site,
  repository: HostedRepository,
  sender: Sender,
  change: RefChange,
): Promise<void> {
  if (!/^refs\/(heads|tags)\//.test(change.ref)) return;
  await announce(site, repository, sender, { name: 'push', ...change }, () =>
    pushFields(site, repository, sender, change),
  );
}

async function pushFields(
  site: Site,
  repository: HostedRepository,
  sender: Sender,
  { ref, before, after }: RefChange,
): Promise<JsonObject> {
  const { git } = repository;
  const page = repositoryPage(site, repository);
  const shape = (commit: Commit): JsonObject => pushedCommit(page, commit);
  const oids = after === null || ref.startsWith('refs/tags/') ? [] : await pushedCommits(git, before, after, ref);
  const commits = (await Promise.all(oids.map((oid) => git.commit(oid)))).filter((commit) => commit !== undefined);
  const headOid = after === null ? undefined : await git.findCommit(after);
  const head = headOid === undefined ? undefined : await git.commit(headOid);
  const isBranch = ref.startsWith('refs/heads/');
  return {
    ref,
    before: before ?? nowhere,
    after: after ?? nowhere,
    base_ref: null,
    created: before === null,
    deleted: after === null,
    forced: isBranch && before !== null && after !== null && !(await isAncestor(git, before, after)),
    compare: `${page}/compare/${(before ?? nowhere).slice(0, 12)}...${(after ?? nowhere).slice(0, 12)}`,
    // Workflows are not told which files a commit changes, unlike webhooks.
    commits: commits.map(shape),
    head_commit: head === undefined ? null : shape(head),
    pusher: { name: sender.login, email: `${sender.login}@users.noreply.github.com` },
  };
}

/** What came with a push, oldest first; to a new branch, what no other branch has. */
export async function pushedCommits(
  git: GitRepository,
  before: string | null,
  after: string,
  ref: string,
): Promise<string[]> {
  const known = before === null ? [`--exclude=${ref.replace('refs/heads/', '')}`, '--branches'] : [before];
  const args = ['rev-list', '--reverse', '--topo-order', `--max-count=${commitsLimit}`, after, '--not', ...known];
  const lines = await gitText(git.directory, args);
  return lines === '' ? [] : lines.split('\n');
}

function pushedCommit(page: string, commit: Commit): JsonObject {
  const person = ({ name, email }: Signature): JsonObject => {
    const login = /^(?:\d+\+)?([^@]+)@users\.noreply\./.exec(email)?.[1];
    return { name, email, ...(login === undefined ? {} : { username: login }) };
  };
  return {
    id: commit.oid,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message.replace(/\n+$/, ''),
    timestamp: signatureDate(commit.committer),
    url: `${page}/commit/${commit.oid}`,
    author: person(commit.author),
    committer: person(commit.committer),
  };
}
