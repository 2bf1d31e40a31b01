import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createDispatcher } from '../util/http.ts';
import type { Credential } from './credentials.ts';
import { resolveEndpoint } from './endpoint.ts';
import { fetchToken } from './token-service.ts';

/** Asks a token service that refuses, and repeats all that it was sent. */
async function refusalOf(credential: Credential): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const basic = request.headers.authorization?.split(' ')[1] ?? '';
      const plain = Buffer.from(basic, 'base64').toString('utf8');
      const said = JSON.stringify({ basic, plain, body, form: Object.fromEntries(new URLSearchParams(body)) });
      response.writeHead(401).end(`${said} ${encodeURIComponent(plain)}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dispatcher = createDispatcher();
  onTestFinished(async () => {
    await dispatcher.destroy();
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asking = fetchToken({
    endpoint: resolveEndpoint('registry.example.com', { endpoint: origin, 'plain-http': true }),
    challenge: { scheme: 'bearer', realm: `${origin}/token`, service: 'registry', scope: undefined },
    credential,
    scope: 'repository:release/app:pull',
    account: 'Logged in as robot.',
    dispatcher,
  });
  return asking.then(
    () => '',
    (error: unknown) => String(error),
  );
}

it.each<[string, Credential, RegExp]>([
  ['password', { username: 'robot', password: 'pa ss/wo"rd+~' }, /"basic":"REDACTED","plain":"robot:REDACTED"/],
  ['identity token', { identityToken: 'to ken/wi"th+~' }, /refresh_token=REDACTED&.*"refresh_token":"REDACTED"/],
])('shows no %s that the service repeats, in whichever form', async (_, credential, shown) => {
  const refusal = await refusalOf(credential);
  expect(refusal).toMatch(shown);
  expect(refusal).toContain('answered 401 for repository:release/app:pull');
  expect(refusal).not.toMatch(/wo\W*rd|wo%22rd|wi\W*th|wi%22th/);
});
