import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { readRange } from './byte-range.ts';
import { RegistryError } from './registry-error.ts';

/** Sends a file, or the range that was asked for, without holding it in memory. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: { readonly path: string; readonly size: number; readonly digest: string },
): Promise<void> {
  const range = readRange(request.headers.range, file.size);
  if (range === 'unsatisfiable') {
    throw new RegistryError(416, 'RANGE_INVALID', 'range is behind the end of the blob', {
      headers: { 'content-range': `bytes */${file.size}` },
    });
  }
  const { start, end } = range ?? { start: 0, end: file.size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': String(end - start + 1),
    'accept-ranges': 'bytes',
    etag: `"${file.digest}"`,
    'docker-content-digest': file.digest,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${file.size}` }),
  });
  if (request.method === 'HEAD' || file.size === 0) {
    response.end();
    return;
  }
  await pipeline(createReadStream(file.path, { start, end, highWaterMark: 1024 * 1024 }), response);
}
