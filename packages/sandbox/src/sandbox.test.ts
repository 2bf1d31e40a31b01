import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pushImage } from './images/push-image.ts';
import { makeImage } from './images/sample-image.ts';
import { startSandbox } from './sandbox.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-sandbox-test-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Reads the login of a registry out of docker's configuration, as docker does. */
async function login(dockerConfig: string | undefined, registry: string) {
  const config: { auths: Record<string, { auth: string }> } = JSON.parse(
    await readFile(join(dockerConfig ?? '', 'config.json'), 'utf8'),
  );
  const [username = '', password = ''] = Buffer.from(config.auths[registry]?.auth ?? '', 'base64')
    .toString()
    .split(':');
  return { username, password };
}

describe('startSandbox', () => {
  it('starts servers that open with what it exports', async () => {
    const sandbox = await startSandbox({ names: { target: 'harbor.example.com' } });
    try {
      const { environment } = sandbox;
      const image = await makeImage({
        seed: 'sandbox',
        architecture: 'amd64',
        os: 'linux',
        mediaTypes: 'oci',
        layers: [{ size: 1000 }],
      });
      for (const variable of ['SLIPWAY_SOURCE', 'SLIPWAY_TARGET']) {
        const [host = '', namespace] = environment[variable]?.split('/') ?? [];
        const credential = await login(environment['DOCKER_CONFIG'], host);
        await pushImage(`http://${host}`, `${namespace}/app`, 'v1.0.0', image, credential);
        expect((await fetch(`http://${host}/v2/`)).status).toBe(401);
      }
      expect(await login(environment['DOCKER_CONFIG'], 'harbor.example.com')).toMatchObject({ username: 'robot' });

      const headers = { authorization: `Bearer ${environment['GITHUB_TOKEN']}` };
      const user = await fetch(`${environment['GITHUB_API_URL']}/user`, { headers });
      expect(await user.json()).toMatchObject({ login: 'sandbox-admin' });
      expect((await fetch(`${environment['SLIPWAY_OSS_ENDPOINT']}/acme-release/key`)).status).toBe(403);

      expect(load(await readFile(environment['SLIPWAY_CONFIG'] ?? '', 'utf8'))).toEqual(sandbox.configuration);
      expect(sandbox.configuration).toMatchObject({
        plugins: { source: environment['SLIPWAY_SOURCE'], target: 'harbor.example.com/release' },
        oss: { region: 'oss-cn-hangzhou', endpoint: sandbox.oss.url, secure: false },
        registries: { 'harbor.example.com': { endpoint: sandbox.target.url, 'plain-http': true } },
      });
    } finally {
      await sandbox.close();
    }
    expect(existsSync(dirname(sandbox.environment['SLIPWAY_CONFIG'] ?? ''))).toBe(false);
    await expect(fetch(sandbox.source.url)).rejects.toThrow();
  });

  it('keeps what it has in a state directory, and names the repository when there is just one', async () => {
    const first = await startSandbox({ state: directory, repositories: { 'acme/plugins': null } });
    expect(first.environment['GITHUB_REPOSITORY']).toBe('acme/plugins');
    await first.close();
    const again = await startSandbox({ state: directory });
    try {
      expect((await fetch(`${again.github.apiUrl}/repos/acme/plugins`)).status).toBe(200);
      expect(again.environment).not.toHaveProperty('GITHUB_REPOSITORY');
    } finally {
      await again.close();
    }
  });

  it('runs workflows where it is asked to, on machines that know the servers', async () => {
    const sandbox = await startSandbox({
      repositories: { 'acme/plugins': null },
      deployed: [],
      workflows: ({ environment }) => ({
        actions: directory,
        env: { KUBECONFIG: environment['KUBECONFIG'] ?? '' },
        repositories: { 'acme/plugins': { secrets: { KEY: environment['OSS_ACCESS_KEY_SECRET'] ?? '' } } },
      }),
    });
    try {
      const text = [
        'on: push',
        'jobs:',
        '  look:',
        '    runs-on: ubuntu-latest',
        "    env: { KEY: '${{ secrets.KEY }}' }",
        '    steps: [{ run: test -f "$KUBECONFIG" && test -n "$KEY" && sleep 0.1 }]',
      ];
      const put = (file: string, content: string): Promise<Response> =>
        fetch(`${sandbox.github.apiUrl}/repos/acme/plugins/contents/${file}`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${sandbox.environment['GITHUB_TOKEN']}` },
          body: JSON.stringify({ message: 'Add', content: Buffer.from(content).toString('base64') }),
        });
      expect((await put('.github/workflows/look.yml', text.join('\n'))).status).toBe(201);
      await sandbox.workflows?.idle();
      expect(sandbox.workflows?.runs).toMatchObject([{ event: 'push', conclusion: 'success' }]);
      await put('more', 'more');
    } finally {
      await sandbox.close();
    }
    // What was running has come to its end before the servers went.
    expect(sandbox.workflows?.runs.map(({ status }) => status)).toEqual(['completed', 'completed']);
  });

  it('leaves no server behind when one cannot start', async () => {
    const occupied = createServer();
    await new Promise<void>((resolve) => occupied.listen(0, '127.0.0.1', resolve));
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const [taken, source] = [occupied, free].map((server) => {
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    });
    await new Promise((resolve) => free.close(resolve));
    try {
      const ports = { source: source ?? 0, github: taken ?? 0 };
      await expect(startSandbox({ state: directory, ports })).rejects.toThrow(/EADDRINUSE/);
      await expect(fetch(`http://127.0.0.1:${source}/v2/`)).rejects.toThrow();
    } finally {
      await new Promise((resolve) => occupied.close(resolve));
    }
  });
});
