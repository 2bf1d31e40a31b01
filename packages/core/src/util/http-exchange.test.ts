import { createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { createDispatcher, type HttpResponse, NetworkError, send } from './http.ts';
import type { Dispatcher } from './http-dispatcher.ts';

type Speak = (request: string, socket: Socket, connection: number) => void;

/** Starts a server that says what it likes: `speak` is called with each request whose head has come. */
async function startServer(speak: Speak): Promise<{ url: URL; connections: () => number }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    connections += 1;
    const connection = connections;
    sockets.add(socket);
    let request = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      request += bytes.toString('latin1');
      if (!request.includes('\r\n\r\n')) return;
      const whole = request;
      request = '';
      speak(whole, socket, connection);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return { url: new URL(`http://127.0.0.1:${address.port}/path?query=1`), connections: () => connections };
}

function open(connections = 4): Dispatcher {
  const dispatcher = createDispatcher({ connections });
  onTestFinished(() => dispatcher.destroy());
  return dispatcher;
}

async function readText({ body }: HttpResponse): Promise<string> {
  return text(body);
}

it.each([
  ['by its length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  [
    'in chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n',
  ],
  [
    'after 100 and 103',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\na: b\r\n\r\nHTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello',
  ],
])('reads a body %s, however the bytes arrive, and uses the connection again', async (_, answer) => {
  const server = await startServer((_request, socket, connection) => {
    expect(connection).toBe(1);
    // One byte at a time, each a packet of its own.
    const bytes = [...answer];
    const next = (): void => {
      const byte = bytes.shift();
      if (byte !== undefined) socket.write(byte, 'latin1', () => setImmediate(next));
    };
    next();
  });
  const dispatcher = open();
  for (let times = 0; times < 2; times += 1) {
    expect(await readText(await send({ method: 'GET', url: server.url, dispatcher }))).toBe('hello');
  }
  expect(server.connections()).toBe(1);
});

it('reads a body that ends with the connection', async () => {
  const server = await startServer((_, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nhello'));
  expect(await readText(await send({ method: 'GET', url: server.url, dispatcher: open() }))).toBe('hello');
});

it.each(['HEAD', 'GET'] as const)('keeps the connection after a %s without a body', async (method) => {
  const answer = method === 'HEAD' ? '200 OK\r\nContent-Length: 1000' : '204 No Content';
  const server = await startServer((_, socket) => socket.write(`HTTP/1.1 ${answer}\r\n\r\n`));
  const dispatcher = open();
  for (let times = 0; times < 3; times += 1) {
    await (await send({ method, url: server.url, dispatcher })).discard();
  }
  expect(server.connections()).toBe(1);
});

it('opens as many connections as it may, and lets the other requests wait', async () => {
  const held: Socket[] = [];
  const server = await startServer((_, socket) => {
    held.push(socket);
    if (server.connections() < 2) return;
    for (const one of held.splice(0)) one.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  const dispatcher = open(2);
  const statuses = await Promise.all(
    Array.from({ length: 10 }, async () => (await send({ method: 'GET', url: server.url, dispatcher })).status),
  );
  expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
  expect(server.connections()).toBe(2);
});

it('asks again over a new connection when the server had closed the old one', async () => {
  const server = await startServer((_, socket, connection) => {
    if (connection === 1 && socket.bytesWritten > 0) socket.destroy();
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  const dispatcher = open();
  const ask = async (method: 'GET' | 'POST'): Promise<number> =>
    (await send({ method, url: server.url, dispatcher })).status;
  expect([await ask('GET'), await ask('GET')]).toEqual([200, 200]);
  expect(server.connections()).toBe(2);
});

it('does not send twice what would do harm twice', async () => {
  const server = await startServer((_, socket) => {
    if (socket.bytesWritten > 0) socket.destroy();
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  const dispatcher = open();
  const ask = () => send({ method: 'POST', url: server.url, dispatcher });
  await ask();
  await expect(ask()).rejects.toThrow(NetworkError);
  expect(server.connections()).toBe(1);
});

it('takes an answer that comes before all was sent, and trusts the connection no more', async () => {
  const server = await startServer((_, socket) => socket.write('HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno'));
  const dispatcher = open();
  let given = 0;
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (; ; given += 1) yield Buffer.alloc(64 * 1024);
  };
  const headers = { 'content-length': String(2 ** 40) };
  const answer = await send({ method: 'PUT', url: server.url, headers, body: endless(), dispatcher });
  expect([answer.status, await readText(answer)]).toEqual([413, 'no']);
  expect(given).toBeLessThan(2 ** 40 / 65536);
  await (await send({ method: 'GET', url: server.url, dispatcher })).discard();
  expect(server.connections()).toBe(2);
});

it.each([
  ['too short', 4],
  ['too long', 2],
])('never lets a body that is %s pass for a whole one', async (_, size) => {
  const server = await startServer(() => undefined);
  const body = (async function* () {
    yield Buffer.from('abc');
  })();
  const sending = send({
    method: 'PUT',
    url: server.url,
    headers: { 'content-length': String(size) },
    body,
    dispatcher: open(),
  });
  await expect(sending).rejects.toThrow(`3 bytes were to be sent where ${size} were announced`);
});

it.each([
  ['what is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'is no answer of an HTTP server'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'two lengths'],
  ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', "the length '-1'"],
  ['a name that ends in a space', 'HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na', 'is no header'],
  ['a folded header', 'HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n', 'is no header'],
  ['another encoding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 'transfer encoding'],
  ['another protocol', 'HTTP/1.1 101 Switching\r\n\r\n', 'another protocol'],
])('refuses %s', async (_, answer, reason) => {
  const server = await startServer((_request, socket) => socket.write(answer));
  const sending = send({ method: 'GET', url: server.url, dispatcher: open() });
  await expect(sending).rejects.toThrow(reason);
});

it.each([
  ['no length', 'x\r\n'],
  ['more than it says', '1\r\nab\r\n'],
  ['a bare line feed', '1\na'],
])('refuses a chunk with %s', async (_, chunk) => {
  const server = await startServer((_request, socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`),
  );
  const reading = send({ method: 'GET', url: server.url, dispatcher: open() }).then(readText);
  await expect(reading).rejects.toThrow(/a (?:line of a )?chunk/);
});

it.each([
  ['before its head ends', 'HTTP/1.1 200 OK\r\nContent-'],
  ['in the middle of its body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'],
  ['between two chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n'],
])('does not take for whole an answer that is cut %s', async (_, answer) => {
  const server = await startServer((_request, socket) => socket.end(answer));
  const reading = send({ method: 'GET', url: server.url, dispatcher: open() }).then(readText);
  await expect(reading).rejects.toThrow('the other side closed the connection');
});

it('closes a connection on which bytes come that nobody asked for', async () => {
  const server = await startServer((_request, socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
  );
  const dispatcher = open();
  const asking = send({ method: 'GET', url: server.url, dispatcher });
  await expect(asking.then(readText))
    .resolves.toBe('')
    .catch(() => undefined);
  await send({ method: 'GET', url: server.url, dispatcher }).catch(() => undefined);
  expect(server.connections()).toBe(2);
});

it('judges the length of a head by the head, not by what came behind it', async () => {
  const body = 'b'.repeat(16 * 1024);
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nX-Long: ${'h'.repeat(120 * 1024)}`;
  const server = await startServer((_, socket) => {
    socket.write(head);
    // The head has arrived, for the most part, when its end and the body do.
    const end = (): void => {
      if (socket.writableLength > 0) setImmediate(end);
      else setTimeout(() => socket.write(`\r\n\r\n${body}`), 50);
    };
    end();
  });
  const answer = await send({ method: 'GET', url: server.url, dispatcher: open() });
  expect(await readText(answer)).toBe(body);
});

it('refuses a head that does not end', async () => {
  const server = await startServer((_, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nX-Long: ${'h'.repeat(200 * 1024)}`);
  });
  const sending = send({ method: 'GET', url: server.url, dispatcher: open() });
  await expect(sending).rejects.toThrow('the head of the answer does not end');
});

it('lets the rest of a body be discarded that was read in part', async () => {
  const server = await startServer((_, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello'));
  const answer = await send({ method: 'GET', url: server.url, dispatcher: open() });
  for await (const piece of answer.body) {
    expect(`${piece}`).toBe('hello');
    break;
  }
  await answer.discard();
  await expect(readText(answer)).rejects.toThrow('the rest was not wanted');
});

it('sends no header that holds another one', async () => {
  const server = await startServer((_, socket) => socket.write('HTTP/1.1 204 x\r\n\r\n'));
  const headers = { 'x-name': 'a\r\nx-evil: b' };
  const sending = send({ method: 'GET', url: server.url, headers, dispatcher: open() });
  await expect(sending).rejects.toThrow('The header x-name cannot be sent');
});

it('ends what is under way when it is destroyed', async () => {
  const server = await startServer(() => undefined);
  const dispatcher = open(1);
  const asking = [1, 2].map(() => send({ method: 'GET', url: server.url, dispatcher }));
  const ended = Promise.allSettled(asking);
  while (server.connections() === 0) await new Promise((resolve) => setImmediate(resolve));
  await dispatcher.destroy();
  expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
