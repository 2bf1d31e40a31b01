import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RegistryOptions, type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { expect, it, onTestFinished } from 'vitest';
import { ActionError } from '../errors.ts';
import type { Content } from '../util/content.ts';
import { silentLog } from '../util/log.ts';
import { RetryBudget } from '../util/retry.ts';
import { CHUNK } from './blob-upload.ts';
import { CredentialStore } from './credentials.ts';
import { Registries } from './registries.ts';
import type { Repository } from './repository.ts';
import { UploadJournal } from './upload-journal.ts';

const MEBIBYTE = 1024 * 1024;
const ROBOT = { username: 'robot', password: 'correct horse' };

/** The pieces that a blob of `size` bytes consists of, each of other bytes than the one before. */
function* pieces(size: number): Generator<Buffer> {
  for (let at = 0; at < size; at += MEBIBYTE) yield Buffer.alloc(Math.min(MEBIBYTE, size - at), at / MEBIBYTE);
}

function digestOfPieces(size: number): string {
  const hash = createHash('sha256');
  for (const piece of pieces(size)) hash.update(piece);
  return `sha256:${hash.digest('hex')}`;
}

/** Content whose reading fails `times` times after `failAt` bytes; counts how often it was opened, and came to an end. */
function contentOfPieces(
  size: number,
  failure?: { readonly at: number; readonly times: number; readonly error: Error },
): Content & { readonly opened: () => number; readonly ended: () => number } {
  let opened = 0;
  let ended = 0;
  return {
    size,
    opened: () => opened,
    ended: () => ended,
    async *open() {
      opened += 1;
      let given = 0;
      try {
        for (const piece of pieces(size)) {
          if (failure !== undefined && opened <= failure.times && given >= failure.at) throw failure.error;
          given += piece.length;
          yield piece;
        }
      } finally {
        ended += 1;
      }
    },
  };
}

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'blob-upload-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function startTarget(
  options: Partial<RegistryOptions> = {},
): Promise<{ server: RegistryServer; repository: Repository }> {
  const server = await startRegistry({ directory: temporary(), ...options });
  onTestFinished(() => server.close());
  return { server, repository: repositoryAt(server.url) };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function repositoryAt(url: string): Repository {
  const settings = { 'registry.example.com': { endpoint: url, 'plain-http': true } };
  const credentials = new CredentialStore([['registry.example.com', ROBOT]]);
  const registries = new Registries(settings, credentials, silentLog, () => new RetryBudget({ base: 1 }));
  onTestFinished(() => registries.close());
  return registries.repository({ registry: 'registry.example.com', repository: 'release/app' });
}

/** The bytes that each chunk brought, as the client says. */
function chunks(server: RegistryServer): (string | string[] | undefined)[] {
  return server.requests.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range']);
}

it('asks whether a small blob is there by the request that begins its upload', async () => {
  const { server, repository } = await startTarget();
  const blob = { digest: digestOfPieces(1000) };
  expect(await repository.putBlob(blob, contentOfPieces(1000), { from: 'release/app' })).toBe('streamed');
  expect(await repository.putBlob(blob, contentOfPieces(1000), { from: 'release/app' })).toBe('mounted');
  expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'PUT', 'POST']);
});

it('uses the session that a registry opens instead of mounting', async () => {
  const { server, repository } = await startTarget({ mount: 'refuse' });
  const blob = { digest: digestOfPieces(1000) };
  expect(await repository.putBlob(blob, contentOfPieces(1000), { from: 'team/other' })).toBe('streamed');
  expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'PUT']);
});

it('takes a large upload up where a process that is gone left it', async () => {
  const { server, repository } = await startTarget();
  const directory = temporary();
  const size = 2 * CHUNK + 5 * MEBIBYTE;
  const digest = digestOfPieces(size);
  const gone = contentOfPieces(size, { at: CHUNK + 3 * MEBIBYTE, times: 1, error: new Error('killed') });
  await expect(repository.putBlob({ digest }, gone, { journal: new UploadJournal(directory) })).rejects.toThrow(
    'killed',
  );
  const [name = ''] = readdirSync(join(directory, 'uploads'));
  expect(statSync(join(directory, 'uploads', name)).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(directory, 'uploads', name), 'utf8')).not.toContain(ROBOT.password);

  await repository.putBlob({ digest }, contentOfPieces(size), { journal: new UploadJournal(directory) });
  expect(await server.state.hasBlob(digest)).toBe(true);
  expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  const starts = chunks(server).map((range) => Number.parseInt(`${range}`, 10));
  expect(starts).toHaveLength(4);
  expect(starts[2]).toBeGreaterThanOrEqual(CHUNK);
  expect(readdirSync(join(directory, 'uploads'))).toEqual([]);
});

it('goes on after a chunk whose answer was lost, without sending it again', async () => {
  const { server, repository } = await startTarget();
  const size = CHUNK + 8 * MEBIBYTE;
  server.failNext({ kind: 'lose-reply', method: 'PATCH' });
  await repository.putBlob({ digest: digestOfPieces(size) }, contentOfPieces(size));
  expect(chunks(server)).toEqual([`0-${CHUNK - 1}`, `${CHUNK}-${size - 1}`]);
});

it('never sends the bytes of the next chunk where a token had to be renewed', async () => {
  const { server, repository } = await startTarget({ auth: 'token', credentials: [ROBOT] });
  const size = 2 * CHUNK + MEBIBYTE;
  const digest = digestOfPieces(size);
  const path = /blobs\/uploads\/[^?]/;
  await repository.hasBlob(digest);
  server.failNext({
    kind: 'status',
    method: 'PATCH',
    path,
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="${server.url}/token",service="sandbox"` },
  });
  await repository.putBlob({ digest }, contentOfPieces(size));
  expect(await server.state.hasBlob(digest)).toBe(true);
});

it.each(['PATCH', 'PUT'])('begins again when the registry has lost the upload by the time of a %s', async (method) => {
  const { server, repository } = await startTarget();
  const size = CHUNK + MEBIBYTE;
  server.failNext({ kind: 'status', method, status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}' });
  await repository.putBlob({ digest: digestOfPieces(size) }, contentOfPieces(size));
  expect(await server.state.hasBlob(digestOfPieces(size))).toBe(true);
});

it.each([404, 416])('gives up when the last request is always answered %i', async (status) => {
  const { server, repository } = await startTarget();
  const size = CHUNK + MEBIBYTE;
  const digest = digestOfPieces(size);
  server.failNext({ kind: 'status', method: 'PUT', status, times: 10 });
  const put = repository.putBlob({ digest }, contentOfPieces(size));
  await expect(put).rejects.toThrow(`cannot push the blob ${digest} to registry.example.com/release/app: ${status}`);
  expect(server.requests.filter(({ method }) => method === 'PUT')).toHaveLength(3);
});

it.each([1000, CHUNK + 1000])('ends the reading of %i bytes that were never asked for', async (size) => {
  // Nothing listens where the bytes are to go.
  const server = createServer((request, response) => {
    if (request.method !== 'POST') return response.writeHead(404).end();
    return response.writeHead(202, { location: 'http://127.0.0.1:9/upload' }).end();
  });
  const repository = repositoryAt(await listen(server));
  const content = contentOfPieces(size);
  await expect(repository.putBlob({ digest: digestOfPieces(size) }, content)).rejects.toThrow(/ECONNREFUSED/);
  expect(content.opened()).toBeGreaterThan(0);
  expect(content.ended()).toBe(content.opened());
});

it.each([
  ['the registry does not know', ''],
  ['was on a server that is gone', 'http://127.0.0.1:9'],
])('does not believe a note about an upload that %s', async (_, elsewhere) => {
  const { server, repository } = await startTarget();
  const journal = new UploadJournal(temporary());
  const size = CHUNK + MEBIBYTE;
  const digest = digestOfPieces(size);
  const location = `${elsewhere || server.url}/v2/release/app/blobs/uploads/gone?_state=x`;
  await journal.note({ repository: `${repository}`, digest }, location);
  await repository.putBlob({ digest }, contentOfPieces(size), { journal });
  expect(await server.state.hasBlob(digest)).toBe(true);
});

it('reads content that arrived damaged once more, and no more often', async () => {
  const { server, repository } = await startTarget();
  const error = new ActionError('digest-mismatch', 'arrived with the digest of something else');
  const digest = digestOfPieces(3 * MEBIBYTE);
  const once = contentOfPieces(3 * MEBIBYTE, { at: 2 * MEBIBYTE, times: 1, error });
  await repository.putBlob({ digest }, once);
  expect(await server.state.hasBlob(digest)).toBe(true);
  const always = contentOfPieces(3 * MEBIBYTE + 1, { at: 2 * MEBIBYTE, times: 99, error });
  await expect(repository.putBlob({ digest: digestOfPieces(3 * MEBIBYTE + 1) }, always)).rejects.toThrow(error.message);
  expect(always.opened()).toBe(2);
});

it('reports the refusal of a server that answers before it has everything, and then hangs up', async () => {
  const server = createServer((request, response) => {
    if (request.method === 'POST') return response.writeHead(202, { location: '/upload' }).end();
    if (request.method !== 'PUT') return response.writeHead(404).end();
    // Sent and flushed before the connection is cut, with megabytes still on their way here.
    response.writeHead(413, { connection: 'close' });
    return response.end('{"errors":[{"code":"SIZE_INVALID"}]}', () => request.socket.destroySoon());
  });
  const repository = repositoryAt(await listen(server));
  const size = 30 * MEBIBYTE;
  await expect(repository.putBlob({ digest: digestOfPieces(size) }, contentOfPieces(size))).rejects.toThrow(/413/);
});
