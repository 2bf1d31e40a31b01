import { readReleaseRecord, writeReleaseRecord } from '@slipway/core/pull-request/release-record';
import type { Context } from './context.ts';
import { setLabel } from './set-label.ts';
import { placeOf, type Situation } from './situation.ts';
import { validate, writeStatus } from './status.ts';

/** Who commands, and in which comment. */
export interface Commander {
  /** Login. */
  readonly by: string;
  /** Its id; of two comments the later one has the greater. */
  readonly comment: number;
}

/** Takes a release back that is not finished, and unbinds it; returns why it cannot be, else undefined. */
export async function withdraw(
  context: Context,
  situation: Situation,
  { by, comment }: Commander,
): Promise<string | undefined> {
  const { github, repository, self, doings } = context;
  const { pull } = situation;
  const stored = await readReleaseRecord(github, repository, placeOf(pull), self);
  let record = stored?.record;
  if (record?.state === 'done') {
    return `${pull.headSha} is released, and that cannot be taken back: a new version goes into a new commit.`;
  }
  const last = stored?.record.withdrawnIn ?? 0;
  if (stored !== undefined && (stored.record.withdrawnBy === undefined || comment > last)) {
    const problem = `withdrawn by ${by}`;
    const at = new Date().toISOString();
    const withdrawn = {
      ...stored.record,
      state: 'failed' as const,
      problem,
      withdrawnBy: by,
      withdrawnIn: comment,
      at,
    };
    await doings.do('withdraw the release', () => writeReleaseRecord(github, repository, withdrawn, stored));
    record = withdrawn;
  }
  await setLabel(context, pull, 'queue', 'need-queue');
  if (record !== undefined) {
    await writeStatus(context, situation, { commit: pull.headSha, ...validate(situation), record });
  }
  return undefined;
}
