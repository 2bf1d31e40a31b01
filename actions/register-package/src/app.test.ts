import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { pluginText } from '@slipway/core/plugin/testing';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const RELEASES = 'acme/releases';
/** What the token of a job may do: nothing outside of its own repository. */
const JOB = {
  token: 'job',
  login: 'github-actions[bot]',
  repositories: [RELEASES],
  permissions: { contents: 'read' },
} as const;

let fixture: StorageFixture;
let app: Record<string, string>;
let released: object;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  const { github, repository } = fixture;
  await github.addRepository(repository, { private: true });
  await github.addRepository(RELEASES, { private: true });
  github.addToken(JOB);
  const permissions = { contents: 'write', pull_requests: 'write' } as const;
  const { id, privateKey } = await github.addApp({ id: 7, slug: 'slipway', permissions, repositories: [repository] });
  app = { 'app-id': String(id), 'app-private-key': privateKey };
  const files = {
    '.github/slipway.yaml': `plugins: { prefix: acme-plugins- }\nstorage: { repository: ${repository} }\n`,
    'release-plugins/gpu.yaml': pluginText('gpu', { version: 'v1.0.0' }),
  };
  const commit = await commitFiles(github.repositoryPath(RELEASES), 'main', files, { message: 'x' });
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  for (const branch of ['production', 'staging', 'snapshot']) {
    await fixture.commit(branch, { Dockerfile: 'FROM scratch\n', ...packageFiles('base', '1.0.0') }, null);
  }
  const image = {
    source: 'cargo.example.com/team/acme-plugins-gpu:v1.0.0',
    target: 'harbor.example.com/release/acme-plugins-gpu:v1.0.0',
    name: 'gpu',
    digest: `sha256:${'0123456789abcdef'.repeat(4)}`,
    platforms: ['linux/amd64'],
  };
  const file = 'acme-plugins-gpu-v1.0.0.tar.gz';
  const what = { plugin: 'gpu', version: 'v1.0.0', commit, images: [image] };
  released = { ...what, file, uri: `oss://bucket/${file}`, sha256: 'ab'.repeat(32), size: 12345 };
});

afterEach(() => fixture.close());

async function register(texts: Record<string, string>) {
  const runtime = recordRuntime({}, { repository: RELEASES, apiUrl: fixture.github.apiUrl });
  const given = { token: JOB.token, packages: JSON.stringify([released]), ...texts };
  const outputs = await run(inputsFrom(inputs, given), runtime);
  await runtime.end();
  return { runtime, outputs };
}

describe('an App', () => {
  it('reaches the storage repository, which the token of the job does not', async () => {
    await expect(register({})).rejects.toMatchObject({ code: 'github-not-found' });
    const { runtime, outputs } = await register(app);
    expect(outputs).toMatchObject({ changed: true, registered: [{ version: '1.0.0' }] });
    expect(await fixture.packages('snapshot')).toContain(`${outputs.registered[0]?.name}/1.0.0`);
    expect(runtime.masked).toHaveLength(1);
  });

  it('goes with no other token for the same repository', async () => {
    await expect(register({ ...app, 'storage-token': 'x' })).rejects.toMatchObject({ code: 'conflicting-inputs' });
  });
});
