/**
 * The sandbox's GitHub in a process of its own: `github.ts <directory> <bare repository>`. It sends its addresses to its
 * parent; at `count` it answers with the bytes that went through them, both ways together.
 */
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTunnel, type Server } from 'node:net';
import { startGitHub } from '@slipway/sandbox/github/server';
import { STORAGE } from '../storage-place.ts';

const [directory = '', repository = ''] = process.argv.slice(2);
const github = await startGitHub({ directory, repositories: { [STORAGE]: repository } });
let bytes = 0;
const tunnel = createTunnel({ noDelay: true }, (client) => {
  const upstream = connect({ port: Number(new URL(github.serverUrl).port), host: '127.0.0.1', noDelay: true });
  for (const [from, to] of [[client, upstream] as const, [upstream, client] as const]) {
    from.on('data', (data) => (bytes += data.length));
    from.on('error', () => to.destroy());
    from.pipe(to);
  }
});
const counter = createServer((_, response) => response.end(String(bytes)));
const [seen, count] = await Promise.all([tunnel, counter].map(listen));
process.send?.({
  serverUrl: `http://127.0.0.1:${seen}`,
  apiUrl: github.apiUrl.replace(github.serverUrl, `http://127.0.0.1:${seen}`),
  count: `http://127.0.0.1:${count}`,
});
process.once('disconnect', () => process.exit());

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
