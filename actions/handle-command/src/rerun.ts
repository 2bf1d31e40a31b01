import type { WorkflowRun } from '@slipway/core/github/event';
import type { ReleaseRecord } from '@slipway/core/pull-request/release-record';

/** Says whether the very run that failed runs again: its failed jobs alone, without the one that writes the intent. */
export function isRerun(record: ReleaseRecord, run: WorkflowRun | undefined): boolean {
  if (record.state !== 'failed' || record.withdrawnBy !== undefined || run === undefined) return false;
  return record.run?.id === run.id && record.run.attempt < run.attempt;
}
