import type { RequestRecord } from '@slipway/sandbox/http-server';
import { MEBIBYTE } from './cargo.ts';
import { BUCKET, type Job, type TransferPlace } from './place.ts';

/** What goes in one request to a registry at the most, bytes. */
const CHUNK = 32 * MEBIBYTE;

/** What two runs have sent, told by the log of the server that got it. */
export interface Resent {
  /** Bytes that came and were not needed, for they had come before, or came again. */
  readonly bytes: number;
  /** What may be lost at the most: of each blob, or part, that was under way, what had come of it. */
  readonly allowed: number;
  /** Blobs, or parts, that were under way when the first run was killed. */
  readonly underWay: number;
}

/** Counts what the run after a kill has sent again; `before` is how many requests the server had when it began. */
export async function countResent(place: TransferPlace, job: Job, before: number, fresh: boolean): Promise<Resent> {
  if (job === 'bundle') return { bytes: 0, allowed: 0, underWay: 0 };
  const [log, address, needed, most] =
    job === 'sync'
      ? ([place.target.requests, /\/blobs\/uploads\/([0-9a-f-]{36})/, blobBytes(place), CHUNK] as const)
      : ([place.oss.requests, /partNumber=(\d+)/, await packageBytes(place), Number.POSITIVE_INFINITY] as const);
  const sent = log.flatMap((record, index) => {
    const id = record.method === 'PUT' || record.method === 'PATCH' ? address.exec(record.path)?.[1] : undefined;
    return id === undefined ? [] : [{ record, id, isFirst: index < before }];
  });
  const bytes = sent.reduce((sum, { record }) => sum + record.received, 0) - needed;
  const first = sent.filter(({ isFirst }) => isFirst);
  const done = new Set(first.filter(({ record }) => isDone(record)).map(({ id }) => id));
  const lost = new Map<string, number>();
  for (const { id, record } of first) if (!done.has(id)) lost.set(id, (lost.get(id) ?? 0) + record.received);
  const limit = fresh ? Number.POSITIVE_INFINITY : most;
  const allowed = [...lost.values()].reduce((sum, received) => sum + Math.min(received, limit), 0);
  return { bytes, allowed, underWay: lost.size };
}

function isDone({ method, status }: RequestRecord): boolean {
  return method === 'PUT' && (status === 200 || status === 201);
}

function blobBytes({ cargo }: TransferPlace): number {
  const sizes = new Map(cargo.images.flatMap(({ image }) => image.blobs.map(({ digest, size }) => [digest, size])));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function packageBytes({ oss }: TransferPlace): Promise<number> {
  const sizes = (await oss.objects(BUCKET)).map(({ key, size }) => (key.endsWith('.sha256') ? 0 : size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
