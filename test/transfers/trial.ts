import { expect } from 'vitest';
import type { ActionEnd } from './action-process.ts';
import { findWrongs, leftovers } from './end-state.ts';
import type { Job, TransferPlace } from './place.ts';
import type { RequestKind } from './request-kinds.ts';

/** What one can do: every error has to name something of the kind. */
const CURE =
  /\b(run again|run it again|push|free space|raise|allow|ask (?:for|its)|check|correct|bump|give|set|get a new|look at|see what|configure|bundle it again|comes back)\b/i;

/** What an error has to name besides what can be done. */
export interface Blame {
  /** References, keys or files of which it names at least one. */
  readonly what: readonly RegExp[];
  /** The digest of the blob that it was about. */
  readonly digest?: string | RegExp;
  readonly host: string;
}

/** What an error has to name when requests of one kind fail. */
export function blameOf(place: TransferPlace, { side, name }: RequestKind): Blame {
  const hosts = {
    source: 'cargo.example.com',
    target: 'harbor.example.com',
    oss: new URL(place.wire('oss', 'sync').url).host,
  };
  return {
    what: side === 'oss' ? [/oss:\/\/infra\/plugins\/acme-web/] : [/(team|release)\/acme-(web|agent)/],
    ...(/^(blob|upload|mount)/.test(name) && { digest: /sha256:[0-9a-f]{64}/ }),
    host: hosts[side],
  };
}

/** Runs a job that has to end well in spite of the faults that were laid, each of which has to strike. */
export async function expectHealed(place: TransferPlace, job: Job, more: Parameters<TransferPlace['run']>[1] = {}) {
  const end = await place.run(job, more);
  expect(place.idle, `never struck:\n${end.log}`).toEqual([]);
  expect(end.code, end.log).toBe(0);
  await expectClean(place, job, end, true);
  return end;
}

/** Runs a job that has to fail by the faults that were laid, and to say so; and returns what it said. */
export async function expectBlamed(
  place: TransferPlace,
  job: Job,
  blame: Blame,
  more: Parameters<TransferPlace['run']>[1] = {},
) {
  const end = await place.run(job, more);
  expect(place.idle, `never struck:\n${end.log}`).toEqual([]);
  expect(end.code, end.log).toBe(1);
  await expectClean(place, job, end, false);
  expect(complaintsAbout(end, blame)).toEqual([]);
  return end;
}

/** Looks at what a run that came to its end by itself has left: state, files and log. */
export async function expectClean(
  place: TransferPlace,
  job: Job,
  end: ActionEnd,
  whole: boolean,
  label = '',
): Promise<void> {
  const said = `${label}\n${end.log}`;
  expect(await findWrongs(place, job, whole), said).toEqual([]);
  expect(await leftovers(place), said).toEqual([]);
  expect(place.secretsIn(`${end.log}\n${end.summary}\n${JSON.stringify(end.outputs)}`), said).toEqual([]);
}

/** Returns what the errors of a run fail to name. */
export function complaintsAbout({ errors, log }: ActionEnd, { what, digest, host }: Blame): string[] {
  if (errors.length === 0) return [`it failed without an error:\n${log}`];
  return errors.flatMap((error) => [
    ...(what.some((one) => one.test(error)) ? [] : [`names nothing that it was about: ${error}`]),
    ...(digest === undefined || error.match(digest) !== null ? [] : [`does not name ${digest}: ${error}`]),
    ...(error.includes(host) ? [] : [`does not name ${host}: ${error}`]),
    ...(CURE.test(error) ? [] : [`names no cure: ${error}`]),
  ]);
}
