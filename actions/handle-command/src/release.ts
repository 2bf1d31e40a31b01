import { warnUnlessRequired } from '@slipway/core/action/required-check';
import { readPullRequestNow } from '@slipway/core/github/pull-request-now';
import { decideRelease } from '@slipway/core/pull-request/release-decision';
import {
  RELEASE_CHECK,
  type ReleaseRecord,
  readReleaseRecord,
  type StoredRelease,
  writeReleaseRecord,
} from '@slipway/core/pull-request/release-record';
import { complainAboutRoom } from '@slipway/core/pull-request/release-text';
import type { Context } from './context.ts';
import { type Judgement, judgeRelease, type KnownImages } from './judge-release.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { setLabel } from './set-label.ts';
import { showRelease } from './show-release.ts';
import { placeOf, type Situation } from './situation.ts';
import { writeStatus } from './status.ts';

/** Who wants a release, and how. */
export interface Order {
  /** Login. */
  readonly by: string;
  /** Why, when it is released by hand. */
  readonly reason: string | undefined;
  readonly overwrite: boolean;
  /** Whether nobody commands, but what the record says is taken up again. */
  readonly isResumed: boolean;
}

/** What became of an order; `missing` is empty unless it was refused. */
export interface ReleaseOutcome {
  readonly outputs: Outputs;
  readonly missing: readonly string[];
}

/**
 * Binds a commit, its files and the digests of its images, and says what to release; or says all that is missing.
 *
 * The intent is written first: whatever is killed after that is found again, and whatever was killed before never was.
 */
export async function release(
  context: Context,
  situation: Situation,
  order: Order,
  known?: KnownImages,
): Promise<ReleaseOutcome> {
  const { github, repository, self } = context;
  const { pull } = situation;
  const stored = await readReleaseRecord(github, repository, placeOf(pull), self);
  const judgement = await judgeRelease(context, situation, known);
  const decision = decideRelease(stored?.record, judgement.plugins, order);
  const missing = [...judgement.missing, ...(decision.kind === 'refused' ? decision.missing : [])];
  if (decision.kind === 'refused' || missing.length > 0) {
    return refuse(context, situation, { order, stored, ...judgement, missing });
  }
  if (decision.kind === 'released') return sayReleased(context, situation, decision.record);

  const now = await readPullRequestNow(github, repository, pull.number);
  if (now.headSha !== pull.headSha || now.baseRef !== pull.baseRef || !now.isOpen || now.isDraft) {
    const moved = `The pull request was changed while it was looked at, and is at ${now.headSha} now. Ask again when that is meant.`;
    return refuse(context, situation, { order, stored, ...judgement, missing: [moved] });
  }
  const record = makeRecord(context, situation, order, { ...judgement, ...decision }, stored);
  const room = complainAboutRoom(record);
  if (room !== undefined) return refuse(context, situation, { order, stored, ...judgement, missing: [room] });
  const bound = await writeIntent(context, { ...situation, pull: now }, record, stored, judgement);
  const { runtime, inputs } = context;
  const required = { branch: pull.baseRef, check: RELEASE_CHECK, appId: inputs['app-id'] };
  await warnUnlessRequired(github, repository, required, runtime);
  const outputs = describe('release', `${formatNames(bound)} is to be released.`, bound, context);
  return { missing: [], outputs: { ...outputs, images: judgement.pushed } };
}

async function writeIntent(
  context: Context,
  situation: Situation,
  record: ReleaseRecord,
  stored: StoredRelease | undefined,
  { validated }: Judgement,
): Promise<ReleaseRecord> {
  const { github, repository, doings } = context;
  const { pull } = situation;
  const written = await doings.do(`bind ${formatNames(record)} at ${record.commit} to be released`, () =>
    writeReleaseRecord(github, repository, record, stored),
  );
  await setLabel(context, pull, 'kind', 'release');
  await setLabel(context, pull, 'queue', 'working-image-pushed');
  const comment = await writeStatus(context, situation, { commit: pull.headSha, validated, record });
  if (written === undefined || comment === undefined || comment === record.comment) return record;
  const withComment = { ...record, comment };
  await writeReleaseRecord(github, repository, withComment, written);
  return withComment;
}

function makeRecord(
  { runtime }: Context,
  { pull }: Situation,
  order: Order,
  { approvedBy, plugins, packages }: Pick<ReleaseRecord, 'approvedBy' | 'plugins' | 'packages'>,
  stored: StoredRelease | undefined,
): ReleaseRecord {
  const last = stored?.record;
  const { run } = runtime.event;
  // What takes a release up again adds nothing to it: neither a commander nor a right.
  const kept = order.isResumed ? last : undefined;
  const reason = kept === undefined ? order.reason : kept.reason;
  const overwrite = kept === undefined ? order.overwrite : kept.overwrite === true;
  return {
    version: 1,
    state: 'intent',
    pullRequest: pull.number,
    commit: pull.headSha,
    by: kept?.by ?? order.by,
    approvedBy,
    ...(reason !== undefined && { reason }),
    ...(overwrite && { overwrite }),
    plugins,
    packages,
    ...(run !== undefined && { run: { id: run.id, attempt: run.attempt } }),
    ...(last?.comment !== undefined && { comment: last.comment }),
    at: new Date().toISOString(),
  };
}

/** Says that everything was released before, and heals what a kill may have left behind. */
async function sayReleased(context: Context, { pull }: Situation, record: ReleaseRecord): Promise<ReleaseOutcome> {
  await showRelease(context, pull, record);
  return { missing: [], outputs: describe('updated', `${formatNames(record)} is already released.`, record, context) };
}

interface Refusal extends Judgement {
  readonly order: Order;
  readonly stored: StoredRelease | undefined;
}

/** Says what is missing; a release that is taken up again and cannot go on stops, lest it is taken up for ever. */
async function refuse(context: Context, situation: Situation, refusal: Refusal): Promise<ReleaseOutcome> {
  const { github, repository, doings } = context;
  const { order, stored, missing, mayPass, validated } = refusal;
  const { pull } = situation;
  let record = stored?.record;
  if (order.isResumed && !mayPass && stored?.record.state === 'intent') {
    const failed: ReleaseRecord = {
      ...stored.record,
      state: 'failed',
      problem: missing.join(' ').slice(0, 2000),
      at: new Date().toISOString(),
    };
    await doings.do('stop the release', () => writeReleaseRecord(github, repository, failed, stored));
    record = failed;
  }
  await writeStatus(context, situation, { commit: pull.headSha, validated, ...(record && { record }), missing });
  const reason = `It cannot be released: ${missing.join(' ')}`;
  const outputs = makeOutputs('refused', reason, { 'pull-request': pull.number, commit: pull.headSha });
  return { missing, outputs };
}

function describe(result: 'release' | 'updated', reason: string, record: ReleaseRecord, { runtime }: Context): Outputs {
  const { summary } = runtime;
  summary.heading(reason);
  summary.table(
    ['plugin', 'version', 'image', 'digest'],
    record.plugins.flatMap(({ plugin, version, images }) =>
      images.map(({ source, digest = '' }) => [plugin, version, `\`${source}\``, `\`${digest}\``]),
    ),
  );
  return makeOutputs(result, reason, {
    'pull-request': record.pullRequest,
    commit: record.commit,
    plugins: result === 'release' ? record.plugins : [],
    packages: record.packages,
    overwrite: record.overwrite === true,
    'release-reason': record.reason ?? '',
  });
}

export function formatNames({ plugins }: Pick<ReleaseRecord, 'plugins'>): string {
  return plugins.map(({ plugin, version }) => `${plugin} ${version}`).join(', ');
}
