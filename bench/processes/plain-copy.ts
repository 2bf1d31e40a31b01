/** Copies each of `<get> <put> …` from one address to another, four at once: the least that moving these bytes can take. */
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { pipeline } from 'node:stream/promises';

const AT_ONCE = 4;
const agent = new Agent({ keepAlive: true });
const addresses = process.argv.slice(2);

await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let pair = addresses.splice(0, 2); pair.length === 2; pair = addresses.splice(0, 2)) await copy(...pair);
  }),
);
agent.destroy();

async function copy(from = '', to = ''): Promise<void> {
  const source = await new Promise<IncomingMessage>((resolve, reject) => {
    get(from, { agent }, resolve).once('error', reject);
  });
  expectStatus(source, from);
  const headers = { 'content-length': source.headers['content-length'] ?? '' };
  const outgoing = request(to, { method: 'PUT', agent, headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  await Promise.all([pipeline(source, outgoing), answered]);
  const answer = await answered;
  expectStatus(answer, to);
  answer.resume();
}

function expectStatus({ statusCode }: IncomingMessage, address: string): void {
  if (statusCode !== 200) throw new Error(`${address} answered ${statusCode}`);
}
