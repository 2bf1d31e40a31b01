import type { WorkflowRun } from '@slipway/core/github/event';
import type { ReleaseRecord } from '@slipway/core/pull-request/release-record';

/** Says whether a run is the one that the record was left to, in whatever attempt; outside of a workflow there is none. */
export function isOwnRun(record: Pick<ReleaseRecord, 'run'>, run: WorkflowRun | undefined): boolean {
  return record.run?.id === run?.id;
}

/** Says why a run has no business with a release any more. */
export function describeOtherRun({ commit, run }: Pick<ReleaseRecord, 'commit' | 'run'>): string {
  const other = run === undefined ? 'something that is no workflow' : `run ${run.id}`;
  return `The release of ${commit} was commanded anew meanwhile: ${other} goes on with it, and this one is over.`;
}

/** Says whether the very run that failed runs again: its failed jobs alone, without the one that writes the intent. */
export function isRerun(record: ReleaseRecord, run: WorkflowRun | undefined): boolean {
  if (record.state !== 'failed' || record.withdrawnBy !== undefined || run === undefined) return false;
  return record.run?.id === run.id && record.run.attempt < run.attempt;
}
