import type { GitHub } from '../github/connect.ts';
import { AnswerReader } from '../github/json-shape.ts';
import { parsePullRequest, splitRepository } from '../github/pull-request.ts';
import type { DispatchedRun } from '../github/workflow-runs.ts';
import type { ReleaseRecord, ReleaseState } from './release-record.ts';

/** An open pull request as the queue shows it. */
export interface QueuedPullRequest {
  readonly number: number;
  readonly title: string;
  readonly headSha: string;
  /** In lower case. Who set them is not known: they are shown, and nothing follows from them. */
  readonly labels: readonly string[];
  /** When it was opened. */
  readonly openedAt: Date;
}

/** Where a release stands: what its record says, and `stalled` where that is an intent on which nothing works any more. */
export type Standing = 'none' | 'working' | 'stalled' | Exclude<ReleaseState, 'intent'> | 'unknown';

/** One line of the queue. */
export interface QueueEntry {
  readonly pullRequest: number;
  readonly title: string;
  readonly openedAt: Date;
  readonly state: Standing;
  /** What has to happen next. */
  readonly missing: string;
  /** What the labels say and the record does not, or the other way round; empty where they agree. */
  readonly disagreement: string;
  /** Whether it is to be started again now. */
  readonly isDue: boolean;
}

/** What is known about the release of a pull request's head. */
export type KnownRelease =
  /** There is no record, or it cannot be read: `problem` says why. */
  | { readonly record?: undefined; readonly problem?: string }
  /** `isUnderWay`: the run that the record names waits or works. */
  | { readonly record: ReleaseRecord; readonly isUnderWay: boolean };

/** The labels by which people look for releases that are to be made. */
const QUEUE_LABELS = ['kind/release', 'queue/working-image-pushed'] as const;

const DONE_LABEL = 'queue/done-package-uploaded';

/** Returns the pull requests whose release a sweep has started again lately, as the runs tell that it started. */
export function listSweptLately(
  runs: readonly DispatchedRun[],
  pulls: readonly QueuedPullRequest[],
  known: readonly KnownRelease[],
): ReadonlySet<number> {
  const byRun = new Map(known.flatMap(({ record }) => (record?.run === undefined ? [] : [[record.run.id, record]])));
  const swept = runs.map(({ id, title }) => {
    const named = /#([1-9][0-9]*)/.exec(title)?.[1];
    return byRun.get(id)?.pullRequest ?? (named === undefined ? undefined : Number(named));
  });
  const certain = swept.filter((number) => number !== undefined);
  // A run that died before it wrote into its record, and has no telling name, may have been for any of them.
  return new Set(certain.length === swept.length ? certain : pulls.map(({ number }) => number));
}

/** Lists all open pull requests, the oldest first; https://docs.github.com/rest/pulls/pulls#list-pull-requests. */
export async function listOpenForQueue(github: GitHub, repository: string): Promise<readonly QueuedPullRequest[]> {
  const purpose = { what: `the open pull requests of ${repository}`, permission: 'pull-requests: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), state: 'open' };
  const answers = await github.list('/repos/{owner}/{repo}/pulls', parameters, purpose);
  const pulls = answers.map((answer): QueuedPullRequest => {
    const { number, title, headSha } = parsePullRequest(answer, purpose);
    const pull = read.object(answer, 'pull request');
    const labels = read
      .list(pull['labels'] ?? [], 'labels')
      .map((label) => read.text(read.object(label, 'label')['name'], 'label.name').toLowerCase());
    return { number, title, headSha, labels, openedAt: new Date(read.text(pull['created_at'], 'created_at')) };
  });
  return pulls.sort((a, b) => a.number - b.number);
}

/**
 * Returns a pull request's line of the queue; undefined when it is not in the queue, neither by its labels nor by its
 * record.
 *
 * A release is due when its record is an intent, nothing works on it, and no sweep has started it lately.
 */
export function standInQueue(
  pull: QueuedPullRequest,
  known: KnownRelease,
  isSweptLately: boolean,
): QueueEntry | undefined {
  const isLabelled = QUEUE_LABELS.every((label) => pull.labels.includes(label));
  const { record } = known;
  const disagreement = describeDisagreement(pull.labels, isLabelled, record?.state);
  const isShown = isLabelled || record?.state === 'intent' || disagreement !== '' || isProblem(known);
  if (!isShown) return undefined;
  const { number: pullRequest, title, openedAt } = pull;
  return { pullRequest, title, openedAt, disagreement, ...describeStanding(known, isSweptLately) };
}

function isProblem(known: KnownRelease): boolean {
  return known.record === undefined && known.problem !== undefined;
}

function describeStanding(
  known: KnownRelease,
  isSweptLately: boolean,
): Pick<QueueEntry, 'state' | 'missing' | 'isDue'> {
  if (known.record === undefined) {
    return known.problem === undefined
      ? { state: 'none', missing: 'the command `/queue working-image-pushed` in a comment', isDue: false }
      : { state: 'unknown', missing: known.problem, isDue: false };
  }
  const { record, isUnderWay } = known;
  const { state, run } = record;
  if (state === 'done') return { state, missing: 'nothing: it can be merged', isDue: false };
  if (state === 'failed') {
    const why = record.problem === undefined ? '' : `${record.problem} `;
    return { state, missing: `${why}Comment \`/queue working-image-pushed\` again.`, isDue: false };
  }
  const left = listLeft(record);
  if (isUnderWay) return { state: 'working', missing: `${left}; run ${run?.id ?? ''} works on it`, isDue: false };
  const again = isSweptLately ? 'later: a sweep has done so within the last hour' : 'now';
  return { state: 'stalled', missing: `${left}; to be started again ${again}`, isDue: !isSweptLately };
}

function listLeft({ plugins, packages }: ReleaseRecord): string {
  const uploaded = new Set(packages.map(({ plugin }) => plugin));
  const left = plugins.filter(({ plugin }) => !uploaded.has(plugin));
  return `packages of ${left.map(({ plugin, version }) => `${plugin} ${version}`).join(', ') || 'nothing'}`;
}

function describeDisagreement(labels: readonly string[], isLabelled: boolean, state: ReleaseState | undefined): string {
  if (state === undefined && isLabelled) {
    return 'The labels say that a release was asked for, and no release of this head was: they were set by hand, or it was pushed to.';
  }
  if (state !== 'done' && labels.includes(DONE_LABEL)) {
    return `The label ${DONE_LABEL} was set by hand: nothing was released.`;
  }
  if (state === 'intent' && !isLabelled)
    return `It is being released, but has not the labels ${QUEUE_LABELS.join(' and ')}.`;
  if (state === 'done' && !labels.includes(DONE_LABEL)) return `It is released, but has not the label ${DONE_LABEL}.`;
  return '';
}
