import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

let fixture: StorageFixture;

const FOO = packageFiles('foo', '1.2.3');
const COMMON = { Dockerfile: 'FROM registry.example.com/registry:v1.15.0\n' };

/** foo-1.2.3 has been promoted to staging, whose image has it; the rest of snapshot has not. */
beforeEach(async () => {
  fixture = await StorageFixture.start();
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  await fixture.commit('production', { ...COMMON, ...packageFiles('base', '1.0.0') }, null);
  const staging = await fixture.commit('staging', { ...COMMON, ...FOO, ...packageFiles('bar', '1.0.0') }, null);
  const newer = packageFiles('foo', '2.0.0');
  await fixture.commit('snapshot', { ...COMMON, ...FOO, ...newer, ...packageFiles('new', '0.1.0') }, null);
  await fixture.publish('staging', staging);
  await fixture.publish('production', await fixture.id('production'));
});

afterEach(() => fixture.close());

async function remove(texts: Record<string, string> = {}) {
  const { repository, github } = fixture;
  const runtime = recordRuntime({ DOCKER_CONFIG: '/nonexistent' }, { repository, apiUrl: github.apiUrl });
  const given = { token: 'sandbox-token', mode: 'remove', from: 'snapshot', ...texts };
  return { runtime, outputs: await run(inputsFrom(inputs, given), runtime) };
}

async function expectRefusal(reason: string | RegExp, packages = 'foo-1.2.3'): Promise<void> {
  const { runtime, outputs } = await remove({ packages });
  expect(outputs).toMatchObject({ removed: [], 'pull-request': '', changed: false });
  expect(outputs.refused).toHaveLength(1);
  expect(outputs.refused[0]?.reason).toMatch(reason);
  expect(runtime.failures).toHaveLength(1);
  expect(fixture.github.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
}

describe('a removal', () => {
  it('takes away what was promoted and published, and nothing else', async () => {
    const snapshot = await fixture.id('snapshot');
    const { runtime, outputs } = await remove();
    const tree = await fixture.id('snapshot:packages/foo/1.2.3');
    expect(outputs).toMatchObject({ removed: [{ name: 'foo', version: '1.2.3', tree }], refused: [], changed: true });
    expect(runtime.failures).toEqual([]);
    const pull = await fixture.call('GET', `pulls/${outputs['pull-request']}`);
    const title = '[snapshot] Remove promoted packages (foo-1.2.3)';
    expect(pull).toMatchObject({ title, base: { ref: 'snapshot' } });
    expect(await fixture.git('log', '-1', '--format=%P|%s', outputs.branch)).toBe(`${snapshot}|${title}`);
    expect(await fixture.id(`${outputs.branch}^{tree}`)).toBe(
      await fixture.graft(snapshot, { 'packages/foo/1.2.3': null }),
    );
    const again = await remove();
    expect(again.outputs).toMatchObject({ changed: false, 'pull-request': outputs['pull-request'] });
    await fixture.merge(Number(outputs['pull-request']));
    expect((await remove()).outputs).toMatchObject({ changed: false, removed: [], refused: [], 'pull-request': '' });
    expect(await fixture.packages('snapshot')).toEqual(['foo/2.0.0', 'new/0.1.0']);
  });

  it('of the last version removes the name, and of the last name the directory', async () => {
    await fixture.commit('snapshot', { 'packages/foo/2.0.0': null });
    const first = await remove();
    expect(await fixture.git('ls-tree', '--name-only', `${first.outputs.branch}:packages`)).toBe('new');
    await fixture.commit('snapshot', { 'packages/new': null });
    const { outputs } = await remove();
    expect(outputs.branch).toBe(first.outputs.branch);
    expect(await fixture.git('ls-tree', '--name-only', outputs.branch)).toBe('Dockerfile');
  });

  it('may lean on a distribution that is further along than the next one', async () => {
    const production = await fixture.commit('production', FOO);
    await fixture.publish('production', production);
    await fixture.commit('staging', { 'packages/foo': null });
    expect((await remove()).outputs.removed).toMatchObject([{ name: 'foo', version: '1.2.3' }]);
  });

  it('may lean on an image that was built from a later commit', async () => {
    const tree = await fixture.id('staging^{tree}');
    const later = await fixture.git('commit-tree', tree, '-p', 'staging', '-m', 'later');
    await fixture.git('update-ref', 'refs/heads/other', later);
    await fixture.publish('staging', later);
    expect((await remove()).outputs.removed).toHaveLength(1);
  });

  it('is done when it is asked for again', async () => {
    const { outputs } = await remove({ packages: 'foo-1.2.3' });
    await fixture.merge(Number(outputs['pull-request']));
    const again = await remove({ packages: 'foo-1.2.3' });
    expect(again.outputs).toMatchObject({ removed: [], refused: [], changed: false });
    const json = '[{"name": "foo", "version": "1.2.3"}]';
    expect((await remove({ packages: json })).outputs).toMatchObject({ removed: [], refused: [], changed: false });
    await expect(remove({ packages: 'foo-1.2.4' })).rejects.toThrow(/does not hold foo-1.2.4/);
  });

  it('reads an image of several platforms, which must all be built from the same commit', async () => {
    const staging = await fixture.id('staging');
    await fixture.publishIndex('staging', [staging, staging]);
    expect((await remove({ 'dry-run': 'true' })).outputs.removed).toHaveLength(1);
    await fixture.publishIndex('staging', [staging, await fixture.id('production')]);
    await expectRefusal(/does not say which commit/);
  });

  it('only plans in a dry run', async () => {
    const { outputs } = await remove({ 'dry-run': 'true' });
    expect(outputs).toMatchObject({ removed: [{ name: 'foo' }], changed: false, 'pull-request': '' });
    expect(fixture.github.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('removes what it may and says what it may not', async () => {
    const { runtime, outputs } = await remove({ packages: 'foo-1.2.3\nnew-0.1.0' });
    expect(outputs).toMatchObject({ removed: [{ name: 'foo' }], refused: [{ name: 'new' }], changed: true });
    expect(runtime.failures.join()).toContain('new-0.1.0 would disappear');
  });
});

describe('a version does not vanish because', () => {
  it('nobody further along holds it', () =>
    expectRefusal(/foo-2.0.0 would disappear: 'production' does not hold it; 'staging' does not hold it/, 'foo-2.0.0'));

  it('the promotion is not merged yet', async () => {
    await fixture.commit('staging-next', packageFiles('new', '0.1.0'), await fixture.id('staging'));
    await fixture.publish('staging', await fixture.id('staging-next'));
    await expectRefusal(/'staging' does not hold it/, 'new-0.1.0');
  });

  it('the tree further along is another one', async () => {
    const staging = await fixture.commit('staging', packageFiles('foo', '1.2.3', 'other'));
    await fixture.publish('staging', staging);
    await expectRefusal(/'staging' holds other content, the tree \w{40} instead of \w{40}/);
    const { outputs } = await remove();
    expect(outputs).toMatchObject({ removed: [], refused: [{ name: 'foo', version: '1.2.3' }] });
  });

  it('a mode further along is another one', async () => {
    const file = { 'packages/foo/1.2.3/bin/run.sh': { content: '#!/bin/sh\n', executable: false } };
    await fixture.publish('staging', await fixture.commit('staging', file));
    await expectRefusal(/holds other content/);
  });

  it('there is no image yet', async () => {
    await fixture.commit('main', {
      '.github/slipway.yaml': fixture.configuration().replace('/distribution', '/nothing'),
    });
    await expectRefusal(/there is no image registry.example.com\/nothing:staging yet/);
  });

  it('the image is older than the head', async () => {
    await fixture.publish('staging', await fixture.commit('staging', packageFiles('bar', '2.0.0')));
    await fixture.commit('staging', { 'README.md': 'newer' });
    await expectRefusal(/which is not the head \w{40} of the branch or later/);
  });

  it('the image was built from a commit of another branch, or from none that is known', async () => {
    await fixture.publish('staging', await fixture.id('snapshot'));
    await expectRefusal(/which is not the head/);
    await fixture.publish('staging', 'f'.repeat(40));
    await expectRefusal(/which is not the head/);
  });

  it('the image was made of the one of another distribution, and has its labels', async () => {
    const labels = {
      'org.opencontainers.image.revision': await fixture.id('staging'),
      'dev.slipway.distribution': 'staging',
      'dev.slipway.layers': 'base files',
    };
    const layers = [{ size: 10 }, { size: 20 }, { size: 30 }];
    const made = {
      seed: 'x',
      architecture: 'amd64',
      os: 'linux',
      mediaTypes: 'oci',
      config: { Labels: labels },
    } as const;
    await pushImage(fixture.registry.url, 'distribution', 'staging', await makeImage({ ...made, layers }));
    await expectRefusal(/was made of another image and has its labels/);
  });

  it('a later commit, from which the image was built, has taken it away again', async () => {
    const head = await fixture.id('staging');
    const without = await fixture.commit('elsewhere', { 'packages/foo': null }, head);
    await fixture.publish('staging', without);
    await expectRefusal(/'staging' holds it, but the image .*, built from \w{40}, has other content/);
  });

  it.each([undefined, 'staging', 'f'.repeat(41)])('the image says it was built from %s', async (revision) => {
    await fixture.publish('staging', revision);
    await expectRefusal(/does not say which commit it was built from/);
  });

  it('the promotion was reverted in between', async () => {
    const merged = await fixture.id('staging');
    const reverted = await fixture.commit('staging', { 'packages/foo': null });
    await expectRefusal(/'staging' does not hold it/);
    await fixture.publish('staging', reverted);
    await expectRefusal(/'staging' does not hold it/);
    await fixture.publish('staging', merged);
    await expectRefusal(/'staging' does not hold it/);
  });

  it('the branch further along was thrown back to a commit before it', async () => {
    const before = await fixture.git('commit-tree', await fixture.id('production^{tree}'), '-m', 'before');
    await fixture.git('update-ref', 'refs/heads/staging', before);
    await expectRefusal(/'staging' does not hold it/);
  });

  it('the version was replaced in snapshot after it was promoted', async () => {
    await fixture.commit('snapshot', packageFiles('foo', '1.2.3', 'replaced'));
    await expectRefusal(/holds other content/);
  });

  it('the branch further along does not exist', async () => {
    await fixture.git('update-ref', '-d', 'refs/heads/staging');
    await expectRefusal(/'staging' does not hold it/);
  });

  it('the distribution has nobody further along', async () => {
    await expect(remove({ from: 'production' })).rejects.toThrow(/Nothing is ever removed from 'production'/);
    await expect(remove({ from: 'experimental' })).rejects.toThrow(/'experimental' is frozen/);
  });

  it('only another distribution than the one asked for holds it', async () => {
    const { outputs } = await remove({ packages: 'foo-1.2.3', to: 'production' });
    expect(outputs).toMatchObject({ removed: [], refused: [{ reason: /'production' does not hold it/ }] });
  });
});

describe('what waits for an image', () => {
  it('stays for now, which is no failure unless somebody named it', async () => {
    await fixture.commit('staging', { 'README.md': 'newer' });
    const { runtime, outputs } = await remove();
    expect(outputs).toMatchObject({ removed: [], refused: [], plan: { waiting: [{ name: 'foo', version: '1.2.3' }] } });
    expect(runtime.failures).toEqual([]);
    expect(runtime.lines.join('\n')).toContain('stays for now: foo-1.2.3');
    await expectRefusal(/'staging' holds it, but the image/);
  });
});
