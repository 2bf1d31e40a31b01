import { readReleaseRecord, writeReleaseRecord } from '@slipway/core/pull-request/release-record';
import type { Context } from './context.ts';
import { setLabel } from './set-label.ts';
import type { Situation } from './situation.ts';
import { validate, writeStatus } from './status.ts';

/** Takes a release back that is not finished, and unbinds it; returns why it cannot be, else undefined. */
export async function withdraw(context: Context, situation: Situation, by: string): Promise<string | undefined> {
  const { github, repository, self, doings } = context;
  const { pull } = situation;
  const stored = await readReleaseRecord(github, repository, pull.headSha, self);
  let record = stored?.record;
  if (record?.state === 'done') {
    return `${pull.headSha} is released, and that cannot be taken back: a new version goes into a new commit.`;
  }
  if (stored !== undefined && stored.record.withdrawnBy === undefined) {
    const problem = `withdrawn by ${by}`;
    const at = new Date().toISOString();
    const withdrawn = { ...stored.record, state: 'failed' as const, problem, withdrawnBy: by, at };
    await doings.do('withdraw the release', () => writeReleaseRecord(github, repository, withdrawn, stored));
    record = withdrawn;
  }
  await setLabel(context, pull, 'queue', 'need-queue');
  if (record !== undefined) {
    await writeStatus(context, situation, { commit: pull.headSha, ...validate(situation), record });
  }
  return undefined;
}
