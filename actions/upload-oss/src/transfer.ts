import type { Runtime } from '@slipway/core/action/action';
import type { PlannedUpload } from '@slipway/core/object-store/upload';
import type { Log } from '@slipway/core/util/log';
import { Progress } from '@slipway/core/util/progress';
import { formatBytes, formatDuration } from '@slipway/core/util/units';

/** Where a transfer tells what it does. */
export interface TransferReport {
  readonly log: Log;
  readonly progress: Progress;
}

/** Does what is planned for one object, with its progress in the log; returns the plan with what the object is now. */
export async function transfer(
  planned: PlannedUpload,
  work: (report: TransferReport) => Promise<PlannedUpload>,
  { log }: Runtime,
): Promise<PlannedUpload> {
  const started = Date.now();
  const progress = new Progress(planned.uri, planned.digest.size, log);
  try {
    const done = await work({ log, progress });
    const unchanged = done.result === 'unchanged';
    const took = unchanged ? '' : ` in ${formatDuration(Date.now() - started)}, ${progress.speed()}`;
    log.info(`${describe(done)}${took}`);
    return done;
  } finally {
    progress.stop();
  }
}

/** Says in a line what is done, or would be. */
export function describe({ result, uri, digest }: PlannedUpload): string {
  const crc64 = digest.crc64 === '' ? '' : `, crc64 ${digest.crc64}`;
  return `${result === 'unchanged' ? 'leave unchanged' : result} ${uri}, ${formatBytes(digest.size)}${crc64}`;
}
