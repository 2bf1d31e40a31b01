import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../image/digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import { contentOf } from '../util/content.ts';
import { silentLog } from '../util/log.ts';
import { RetryBudget } from '../util/retry.ts';
import { CredentialStore } from './credentials.ts';
import { parseDockerConfig } from './docker-config.ts';
import { resolveEndpoint } from './endpoint.ts';
import { Registries } from './registries.ts';
import { Registry } from './registry.ts';
import type { Repository } from './repository.ts';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
}

/** Starts a server that behaves as one registry somewhere does; returns a repository in it and what it was asked. */
async function misbehave(
  answer: (exchange: Exchange, port: number) => void,
): Promise<{ repository: Repository; asked: string[]; port: number }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}`);
      answer({ request, response, body: Buffer.concat(chunks) }, (server.address() as AddressInfo).port);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = new CredentialStore([['registry.example.com', { username: 'robot', password: 'secret horse' }]]);
  const settings = { 'registry.example.com': { endpoint: `http://127.0.0.1:${port}`, 'plain-http': true } };
  const registries = new Registries(settings, credentials, silentLog, () => new RetryBudget({ base: 1 }));
  onTestFinished(async () => {
    await registries.close();
    server.closeAllConnections();
    server.close();
  });
  return {
    repository: registries.repository({ registry: 'registry.example.com', repository: 'team/app' }),
    asked,
    port,
  };
}

const BLOB = contentOf('some bytes');
const DIGEST = digestOf('some bytes');

describe('Repository', () => {
  it.each([400, 401, 403, 404, 405, 422])('takes %i on a mount for a no', async (status) => {
    const { repository } = await misbehave(({ response }) => response.writeHead(status).end());
    expect(await repository.mountBlob(DIGEST, 'team/base')).toBe(false);
  });

  it('takes a refusal of the token service on a mount for a no', async () => {
    const { repository } = await misbehave(({ request, response }, port) => {
      if (request.url?.startsWith('/token')) return response.writeHead(403).end();
      const challenge = `Bearer realm="http://127.0.0.1:${port}/token",service="s"`;
      return response.writeHead(401, { 'www-authenticate': challenge }).end();
    });
    expect(await repository.mountBlob(DIGEST, 'team/base')).toBe(false);
  });

  it.each([
    ['absolute', (port: number) => `http://127.0.0.1:${port}/v2/team/app/blobs/uploads/one?_state=x%2Fy`],
    ['from the root', () => '/v2/team/app/blobs/uploads/one?_state=x%2Fy'],
    ['relative to the request', () => 'one?_state=x%2Fy'],
  ])('uploads to a Location that is %s, and keeps its query', async (_, location) => {
    const { repository, asked } = await misbehave(({ request, response }, port) => {
      if (request.method === 'POST') return response.writeHead(202, { location: location(port) }).end();
      return response.writeHead(201).end();
    });
    await repository.putBlob({ digest: DIGEST }, BLOB);
    expect(asked.at(-1)).toBe(`PUT /v2/team/app/blobs/uploads/one?_state=x%2Fy&digest=${encodeURIComponent(DIGEST)}`);
  });

  it('says what was answered instead of an address', async () => {
    const { repository } = await misbehave(({ response }) =>
      response.writeHead(202, { location: 'http://[bad' }).end(),
    );
    await expect(repository.putBlob({ digest: DIGEST }, BLOB)).rejects.toThrow(/'http:\/\/\[bad' is no address/);
  });

  it('does not send a blob again whose answer alone was lost', async () => {
    let stored = false;
    const { repository, asked } = await misbehave(({ request, response }) => {
      if (request.method === 'POST') return response.writeHead(202, { location: '/upload' }).end();
      if (request.method === 'HEAD') return response.writeHead(stored ? 200 : 404).end();
      stored = true;
      return response.destroy();
    });
    await repository.putBlob({ digest: DIGEST }, BLOB);
    expect(asked.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });

  it("throws the content's own failure, and does not ask the target again for it", async () => {
    const { repository, asked } = await misbehave(({ response }) =>
      response.writeHead(202, { location: '/upload' }).end(),
    );
    const broken = {
      size: 10,
      // biome-ignore lint/correctness/useYield: it fails before there is anything to yield
      async *open(): AsyncGenerator<Buffer> {
        throw new Error('the disk is gone');
      },
    };
    await expect(repository.putBlob({ digest: DIGEST }, broken)).rejects.toThrow(/^the disk is gone$/);
    expect(asked).toEqual(['POST /v2/team/app/blobs/uploads/', 'DELETE /upload']);
  });

  it('asks for manifests uncompressed, and believes what they say of themselves', async () => {
    const bytes = JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: {}, layers: [] });
    const { repository } = await misbehave(({ request, response }) => {
      if (request.headers['accept-encoding'] !== 'identity') return response.writeHead(500).end();
      return response.writeHead(200, { 'content-type': 'application/json' }).end(bytes);
    });
    expect(await repository.manifest('v1')).toMatchObject({ mediaType: OCI_MANIFEST, digest: digestOf(bytes) });
  });

  it('checks a manifest that is named by sha512, and keeps that name', async () => {
    const bytes = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
    const { repository } = await misbehave(({ response }) => response.writeHead(200).end(bytes));
    const right = `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
    expect((await repository.manifest(right)).digest).toBe(right);
    await expect(repository.manifest(`sha512:${'0'.repeat(128)}`)).rejects.toThrow(/The registry's copy is damaged/);
  });

  it('notices that the registry stored another manifest', async () => {
    const { repository } = await misbehave(({ response }) =>
      response.writeHead(201, { 'docker-content-digest': digestOf('something else') }).end(),
    );
    const manifest = { mediaType: OCI_INDEX, digest: digestOf('{}'), bytes: Buffer.from('{}') };
    await expect(repository.putManifest(manifest, 'v1')).rejects.toThrow(/says it stored sha256:/);
  });

  it('does not show a secret that the registry repeats', async () => {
    const { repository } = await misbehave(({ request, response }) => {
      const { authorization } = request.headers;
      if (authorization === undefined) return response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      return response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message: authorization }] }));
    });
    await expect(repository.manifest('v1')).rejects.toThrow(/DENIED: Basic REDACTED/);
  });

  it('does not ask for a token on another port of the same host', async () => {
    let leaked: string | undefined;
    const other = createServer((request, response) => {
      leaked = request.headers.authorization ?? 'asked';
      response.end('{"token":"t"}');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      other.close();
    });
    const realm = `http://127.0.0.1:${(other.address() as AddressInfo).port}/token`;
    const { repository } = await misbehave(({ response }) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end(),
    );
    await expect(repository.head('v1')).rejects.toThrow(/not its own host/);
    expect(leaked).toBeUndefined();
  });
});

describe('Registry', () => {
  it('keeps an upload encrypted that a registry behind a proxy calls plain, and refuses another plain host', () => {
    const registry = new Registry(resolveEndpoint('registry.example.com:8443'), undefined, silentLog);
    const address = (location: string): string =>
      registry.uploadAddress({ headers: { location } }, '/v2/team/app/blobs/uploads/', 'push');
    expect(address('http://registry.example.com/v2/x?_state=1')).toBe(
      'https://registry.example.com:8443/v2/x?_state=1',
    );
    expect(address('https://blobs.example.com/x')).toBe('https://blobs.example.com/x');
    expect(() => address('http://blobs.example.com/x')).toThrow(/not encrypted/);
  });

  it('says when a certificate authority is none', () => {
    expect(() => resolveEndpoint('r.example.com', { ca: '/dev/null' })).toThrow(/\/dev\/null holds no certificate/);
    expect(() => resolveEndpoint('r.example.com', { ca: '/nonexistent' })).toThrow(/cannot read \/nonexistent/);
  });
});

describe('parseDockerConfig', () => {
  const auth = Buffer.from('robot:secret horse').toString('base64');

  it('gives a credential to the host that is named, and to nobody else', () => {
    const names = ['https://index.docker.io/v1/', 'harbor.example.com:8443', 'quay.example.com/namespace'];
    const auths = Object.fromEntries(names.map((name) => [name, { auth }]));
    const store = parseDockerConfig(JSON.stringify({ auths }), 'config.json');
    expect(store.find('docker.io')).toEqual({ username: 'robot', password: 'secret horse' });
    expect(store.find('harbor.example.com:8443')).toBeDefined();
    for (const stranger of [
      'harbor.example.com',
      'quay.example.com',
      'evil-harbor.example.com:8443',
      'docker.io.evil',
    ]) {
      expect(store.find(stranger), stranger).toBeUndefined();
    }
  });

  it('does not quote a broken file', () => {
    expect(() => parseDockerConfig(`{"auths":{"r":{"auth":${auth}}}}`, 'config.json')).toThrow(
      /^config\.json is no JSON/,
    );
    expect(() => parseDockerConfig(`{"auths":{"r":{"auth":${auth}}}}`, 'config.json')).not.toThrow(auth.slice(0, 8));
  });
});
