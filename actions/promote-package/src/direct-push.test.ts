import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

let fixture: StorageFixture;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  await fixture.commit('production', packageFiles('base', '1.0.0'), null);
  await fixture.commit('snapshot', packageFiles('base', '2.0.0'), null);
});

afterEach(() => fixture.close());

/** Judges as the workflow of a push does, and returns what it complained of. */
async function gateAfterPush(branch: string, before: string): Promise<readonly string[]> {
  const { repository, github } = fixture;
  const payload = { before, after: await fixture.id(branch) };
  const event = { name: 'push', ref: `refs/heads/${branch}`, payload, repository, apiUrl: github.apiUrl };
  const runtime = recordRuntime({ DOCKER_CONFIG: '/nonexistent' }, event);
  await run(inputsFrom(inputs, { token: 'sandbox-token', mode: 'gate' }), runtime);
  return runtime.failures;
}

async function mergePullRequest(base: string, name: string): Promise<void> {
  const head = `add-${name}`;
  await fixture.commit(head, packageFiles(name, '1.0.0'), await fixture.id(base));
  const number = await fixture.openPullRequest(head, base, `[${base}] Add ${name}`);
  await fixture.call('PUT', `pulls/${number}/merge`, { merge_method: 'squash' });
}

describe('a push to a distribution', () => {
  it('that came by a pull request is none of its business', async () => {
    const before = await fixture.id('production');
    await mergePullRequest('production', 'foo');
    expect(await gateAfterPush('production', before)).toEqual([]);
  });

  it('is reported where the policy wants a pull request, also between two that had one', async () => {
    const before = await fixture.id('production');
    await mergePullRequest('production', 'foo');
    await fixture.commit('production', packageFiles('sneaky', '1.0.0'), await fixture.id('production'));
    const direct = await fixture.id('production');
    await mergePullRequest('production', 'bar');
    const [failure = '', ...others] = await gateAfterPush('production', before);
    expect(others).toEqual([]);
    expect(failure).toContain(`${direct} was pushed to 'production' without a pull request`);
    expect(failure.match(/was pushed to/g)).toHaveLength(1);
  });

  it('is fine where the policy lets versions in by a commit', async () => {
    const before = await fixture.id('snapshot');
    await fixture.commit('snapshot', packageFiles('foo', '1.0.0'), before);
    expect(await gateAfterPush('snapshot', before)).toEqual([]);
  });
});
