import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const DOCKERFILE = [
  'ARG PACKAGE_REGISTRY=v1.15.0',
  'FROM registry.example.com/package-registry:${PACKAGE_REGISTRY}',
  'LABEL package-registry=${PACKAGE_REGISTRY}',
  '',
].join('\n');
/** What the token of a job may do where the App does the rest. */
const JOB = { token: 'job', login: 'github-actions[bot]', permissions: { contents: 'read' } } as const;

let fixture: StorageFixture;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  for (const branch of ['production', 'staging', 'snapshot']) {
    await fixture.commit(branch, { Dockerfile: DOCKERFILE, ...packageFiles('base', '1.0.0') }, null);
  }
  const layers = [{ size: 1000 }];
  const image = await makeImage({ seed: 'x', architecture: 'amd64', os: 'linux', mediaTypes: 'oci', layers });
  await pushImage(fixture.registry.url, 'package-registry', 'v1.16.0', image);
});

afterEach(() => fixture.close());

describe('an App', () => {
  it('opens the pull requests in place of the job, so that they start workflows', async () => {
    const { github, repository } = fixture;
    const { apiUrl, serverUrl } = github;
    github.addToken({ ...JOB, repositories: [repository] });
    const permissions = { contents: 'write', pull_requests: 'write' } as const;
    const { id, privateKey } = await github.addApp({ id: 7, slug: 'slipway', permissions, repositories: [repository] });
    const runtime = recordRuntime({ DOCKER_CONFIG: '/nonexistent' }, { repository, apiUrl, serverUrl });
    const app = { 'app-id': String(id), 'app-private-key': privateKey };
    const outputs = await run(inputsFrom(inputs, { token: JOB.token, ...app, version: 'v1.16.0' }), runtime);
    await runtime.end();
    expect(runtime.failures).toEqual([]);
    expect(outputs['pull-requests']).toHaveLength(3);
    const pull = await fixture.call('GET', `pulls/${outputs['pull-requests'][0]?.number}`);
    expect(pull).toMatchObject({ user: { login: 'slipway[bot]' } });
    expect(runtime.masked).toHaveLength(1);
  });
});
