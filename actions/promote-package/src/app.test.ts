import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const COMMON = { Dockerfile: 'FROM registry.example.com/registry:v1.15.0\n' };
/** What the token of a job may do where the App does the rest. */
const JOB = { token: 'job', login: 'github-actions[bot]', permissions: { contents: 'read' } } as const;

let fixture: StorageFixture;
let app: Record<string, string>;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  const { github, repository } = fixture;
  github.addToken({ ...JOB, repositories: [repository] });
  const permissions = { contents: 'write', pull_requests: 'write', checks: 'write' } as const;
  const { id, privateKey } = await github.addApp({ id: 7, slug: 'slipway', permissions, repositories: [repository] });
  app = { 'app-id': String(id), 'app-private-key': privateKey };
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  for (const [branch, version] of Object.entries({ production: '1.0.0', staging: '1.1.0', snapshot: '1.2.0' })) {
    await fixture.commit(branch, { ...COMMON, ...packageFiles('foo', version) }, null);
    await fixture.publish(branch, await fixture.id(branch));
  }
});

afterEach(() => fixture.close());

async function act(texts: Record<string, string>) {
  const { repository, github } = fixture;
  const runtime = recordRuntime({ DOCKER_CONFIG: '/nonexistent' }, { repository, apiUrl: github.apiUrl });
  const outputs = await run(inputsFrom(inputs, { token: JOB.token, ...app, ...texts }), runtime);
  await runtime.end();
  return { runtime, outputs };
}

describe('an App', () => {
  it('opens the pull request in place of the job, so that it starts workflows', async () => {
    const { runtime, outputs } = await act({ mode: 'add', from: 'snapshot', to: 'staging', packages: 'foo-1.2.0' });
    const pull = await fixture.call('GET', `pulls/${outputs['pull-request']}`);
    expect(pull).toMatchObject({ user: { login: 'slipway[bot]' } });
    expect(runtime.masked).toHaveLength(1);
  });

  it('writes the check that a branch can require of it alone', async () => {
    const head = await fixture.commit('change', { 'packages/bar': null, x: 'x' }, await fixture.id('staging'));
    const number = await fixture.openPullRequest('change', 'staging', '[staging] Change');
    await act({ mode: 'gate', 'pull-request': String(number) });
    const { check_runs: checks } = await fixture.call('GET', `commits/${head}/check-runs`);
    expect(checks).toMatchObject([{ app: { slug: 'slipway' } }]);
  });
});
