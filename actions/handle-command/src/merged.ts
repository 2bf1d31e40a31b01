import type { Runtime } from '@slipway/core/action/action';
import { ConfigurationError } from '@slipway/core/errors';
import { BlobReader } from '@slipway/core/github/blob-reader';
import { createComment, listComments, updateComment } from '@slipway/core/github/comments';
import { CommitFiles } from '@slipway/core/github/commit-files';
import { listMergedPullRequests } from '@slipway/core/github/commit-pull-requests';
import { listChangedFiles, type PullRequest } from '@slipway/core/github/pull-request';
import type { RepositoryFile } from '@slipway/core/github/repository-files';
import { classifyPath } from '@slipway/core/plugin/plugin-path';
import { listReleaseRecords, RELEASE_CHECK, type ReleaseRecord } from '@slipway/core/pull-request/release-record';
import { showText } from '@slipway/core/pull-request/shown-text';
import { isRecord } from '@slipway/core/util/record';
import { type Context, configure, openContext } from './context.ts';
import type { Inputs } from './inputs.ts';
import { makeOutputs, type Outputs } from './outputs.ts';

const PERMISSIONS = { contents: 'read', pull_requests: 'write', checks: 'read' } as const;

/** The first line of our comment, by which a run that is repeated finds it among our own. */
const MARKER = '<!-- slipway: merged -->';

/** What came to a branch by one push. */
interface Push {
  readonly branch: string;
  readonly before: string;
  readonly after: string;
  /** The newest first. */
  readonly commits: readonly string[];
}

/** A merged pull request, and what was released of it. */
interface Merged {
  readonly pull: PullRequest;
  readonly record: ReleaseRecord | undefined;
}

/** A plugin's file that is merged, and was not released like that. */
interface Unreleased {
  readonly file: string;
  /** Git's id of what is merged. */
  readonly blob: string;
  /** Git's id of what the release bound; undefined when nothing did. */
  readonly released: string | undefined;
  /** Undefined when it came without one. */
  readonly pullRequest: number | undefined;
  readonly why: string;
}

/**
 * Compares what a push brings to a base branch with what was released: each plugin's file that it adds or changes must be,
 * byte for byte, the one that a finished release has bound.
 *
 * Everything but the push itself is read anew. A file that goes, or only gets another name, releases nothing.
 */
export async function merged(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const push = readPush(runtime);
  if (push === undefined) {
    return makeOutputs('ignored', 'There is nothing to compare: this is no push to a branch that was there before.');
  }
  const context = await openContext(PERMISSIONS, inputs, runtime);
  const changed = await listChangedPlugins(context, push);
  const pulls: Merged[] = [];
  let left = changed;
  for (const commit of push.commits) {
    if (left.length === 0) break;
    for (const pull of await listMergedPullRequests(context.github, context.repository, commit, push.branch)) {
      if (pulls.some((known) => known.pull.number === pull.number)) continue;
      const record = await readRecord(context, pull);
      pulls.push({ pull, record });
      left = left.filter((file) => !isReleased(file, record));
    }
  }
  const unreleased: Unreleased[] = [];
  for (const file of left) unreleased.push(await explain(context, file, pulls));
  for (const [number, files] of Map.groupBy(unreleased, ({ pullRequest }) => pullRequest)) {
    if (number !== undefined) await comment(context, number, files);
  }
  return report(context, push, changed.length, unreleased);
}

/** Returns the push that the event tells of; undefined for another event, a tag, and a branch that was made or deleted. */
function readPush({ event }: Runtime): Push | undefined {
  const { payload, ref } = event;
  const { before, after } = payload;
  const branch = ref?.startsWith('refs/heads/') === true ? ref.slice('refs/heads/'.length) : undefined;
  if (event.name !== 'push' || branch === undefined || !isCommit(before) || !isCommit(after)) return undefined;
  const listed: unknown[] = Array.isArray(payload['commits']) ? payload['commits'] : [];
  const ids = listed.flatMap((commit) => (isRecord(commit) && isCommit(commit['id']) ? [commit['id']] : []));
  return { branch, before, after, commits: [...new Set([after, ...ids.reverse()])] };
}

/** Git's id of a commit, and not the one of zeros that stands for none. */
function isCommit(value: unknown): value is string {
  return typeof value === 'string' && /^(?!0{40})[0-9a-f]{40}$/.test(value);
}

/** Lists the plugins' files that the branch holds after the push and did not hold before, under whatever name. */
async function listChangedPlugins(context: Context, { before, after }: Push): Promise<readonly RepositoryFile[]> {
  const { github, repository } = context;
  const blobs = new BlobReader(github, repository);
  const [old, now] = [before, after].map((commit) => new CommitFiles(github, repository, commit, blobs));
  if (old === undefined || now === undefined) return [];
  const { directory } = (await configure(now, context)).plugins;
  const isPlugin = ({ path }: RepositoryFile): boolean => classifyPath(path, directory).kind === 'plugin';
  const files = (await now.list(directory)).filter(isPlugin);
  const previous = (await old.list(directory)).filter(isPlugin);
  const paths = new Set(files.map(({ path }) => path));
  const known = new Map(previous.map(({ path, id }) => [path, id]));
  const carried = new Set(previous.filter(({ path }) => !paths.has(path)).map(({ id }) => id));
  return files.filter(({ path, id }) => known.get(path) !== id && (known.has(path) || !carried.has(id)));
}

/** A record that cannot be read has released nothing; why that is, is said in the log. */
async function readRecord({ github, repository, self, runtime }: Context, pull: PullRequest) {
  try {
    const stored = await listReleaseRecords(github, repository, pull.headSha, self);
    const records = stored.map(({ record }) => record);
    // The same files of the same commit may have been released for another pull request of it.
    return records.find(({ state }) => state === 'done') ?? records.find((each) => each.pullRequest === pull.number);
  } catch (error) {
    if (!(error instanceof ConfigurationError && error.code === 'release-record')) throw error;
    runtime.log.warning(`#${pull.number}: ${error.message}`);
    return undefined;
  }
}

function isReleased({ path, id }: RepositoryFile, record: ReleaseRecord | undefined): boolean {
  return record?.state === 'done' && record.plugins.some(({ file, blob }) => file === path && blob === id);
}

/** Says which pull request brought a file that was not released, and what became of the release. */
async function explain(
  { github, repository }: Context,
  { path, id }: RepositoryFile,
  pulls: readonly Merged[],
): Promise<Unreleased> {
  const found = { file: path, blob: id };
  for (const { pull, record } of pulls) {
    const bound = record?.plugins.find(({ file }) => file === path);
    const brings = bound !== undefined || (await listChangedFiles(github, repository, pull.number)).some(isIt);
    if (!brings) continue;
    const why = bound === undefined ? 'no release of it was asked for' : `${describeRelease(record)} ${bound.blob}`;
    return { ...found, released: bound?.blob, pullRequest: pull.number, why };
  }
  return { ...found, released: undefined, pullRequest: undefined, why: 'it came without a pull request' };

  function isIt(file: { readonly path: string }): boolean {
    return file.path === path;
  }
}

function describeRelease(record: ReleaseRecord | undefined): string {
  return record?.state === 'done' ? 'released was' : 'the release is not finished, of';
}

const CURE =
  'Open a pull request that bumps the version in the file, and have that released before it is merged. Where the check ' +
  `'${RELEASE_CHECK}' is required, nothing else can be merged.`;

/** Leaves one comment on a pull request, and changes it when this is run again. */
async function comment(
  { github, repository, self, doings }: Context,
  number: number,
  files: readonly Unreleased[],
): Promise<void> {
  const lines = files.map(({ file, blob, why }) => `- ${showText(file)} is merged as ${showText(blob)}: ${why}.`);
  const body = [MARKER, '**What was merged is not what was released.**', '', ...lines, '', CURE].join('\n');
  const comments = await listComments(github, repository, number);
  const own = comments.find(({ author, body: text }) => author === self && text.startsWith(MARKER));
  if (own?.body === body) return;
  await doings.do(`say on #${number} what was merged without a release`, async () => {
    if (own === undefined) await createComment(github, repository, number, body);
    else await updateComment(github, repository, own.id, body);
  });
}

function report(
  { doings, runtime }: Context,
  { branch }: Push,
  changed: number,
  unreleased: readonly Unreleased[],
): Outputs {
  const { log, summary } = runtime;
  summary.heading(`What was merged into ${branch}`);
  if (unreleased.length === 0) {
    const reason = `All ${changed} plugin files that were added or changed are as they were released.`;
    summary.paragraph(reason);
    log.info(reason);
    return makeOutputs('updated', reason, { plan: [], changed: doings.changed });
  }
  summary.table(
    ['file', 'merged', 'released', 'pull request', 'why'],
    unreleased.map(({ file, blob, released, pullRequest, why }) => [
      file,
      `\`${blob}\``,
      released === undefined ? '' : `\`${released}\``,
      pullRequest === undefined ? '' : `#${pullRequest}`,
      why,
    ]),
  );
  summary.paragraph(CURE);
  const sentences = unreleased.map(({ file, blob, pullRequest, why }) => {
    const by = pullRequest === undefined ? '' : ` by #${pullRequest}`;
    const message = `${file} is merged${by} as ${blob}: ${why}.`;
    runtime.annotate({ severity: 'error', title: 'not what was released', message: `${message} ${CURE}`, file });
    return message;
  });
  const reason = `${sentences.join(' ')} ${CURE}`;
  runtime.fail('merged-unreleased', reason);
  return makeOutputs('refused', reason, { plan: unreleased, changed: doings.changed });
}
