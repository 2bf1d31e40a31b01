import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { createDispatcher, send } from './http.ts';

const CONTENT = randomBytes(24 * 1024 * 1024);

/** Starts a server that gives CONTENT, by its length or in pieces, and answers a PUT with the digest of what came. */
async function startServer(): Promise<URL> {
  const server = createServer(async (request, response) => {
    if (request.method === 'PUT') {
      const hash = createHash('sha256');
      for await (const chunk of request) {
        hash.update(chunk as Buffer);
        // The sender has to wait now and then, in the middle of a chunk.
        await turn();
      }
      return response.end(hash.digest('hex'));
    }
    if (request.url === '/length') return response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
    for (let at = 0; at < CONTENT.length; at += 10_007) {
      if (!response.write(CONTENT.subarray(at, at + 10_007))) await new Promise((go) => response.once('drain', go));
    }
    return response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

it.each(['length', 'chunked'])('passes on the bytes of an answer (%s) unchanged, while many do', async (way) => {
  const base = await startServer();
  const dispatcher = createDispatcher();
  onTestFinished(() => dispatcher.destroy());
  const wanted = createHash('sha256').update(CONTENT).digest('hex');
  const transfer = async (): Promise<string> => {
    const { body } = await send({ method: 'GET', url: new URL(way, base), dispatcher });
    const headers = { 'content-length': String(CONTENT.length) };
    const answer = await send({ method: 'PUT', url: base, headers, body, dispatcher });
    let digest = '';
    for await (const chunk of answer.body) digest += chunk.toString();
    return digest;
  };
  const digests = await Promise.all(Array.from({ length: 6 }, transfer));
  expect(digests).toEqual(digests.map(() => wanted));
});

it('does not touch what was read and is still held', async () => {
  const base = await startServer();
  const dispatcher = createDispatcher();
  onTestFinished(() => dispatcher.destroy());
  const read = async (): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    const { body } = await send({ method: 'GET', url: new URL('length', base), dispatcher });
    for await (const chunk of body) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const [first, second] = await Promise.all([read(), read()]);
  expect(first.equals(CONTENT) && second.equals(CONTENT)).toBe(true);
});
