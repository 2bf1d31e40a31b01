import type { Plugin } from '@slipway/core/plugin/plugin';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Ground, packageOf, RELEASE } from './fixture.ts';

let ground: Ground;
let number: number;
let commit: string;
let plugins: readonly Plugin[];

beforeEach(async () => {
  ground = await Ground.start();
  const { outputs, ...released } = await ground.release();
  ({ number, commit } = released);
  ({ plugins } = outputs);
});

afterEach(() => ground.close());

function verify(texts: Record<string, string> = {}, run?: { id: number; attempt: number }) {
  const given = { mode: 'verify', 'pull-request': String(number), commit, plugins: JSON.stringify(plugins), ...texts };
  return ground.run(given, run && { run: { ...run, workflow: '' } });
}

it('is content with what was commanded and approved, and writes nothing', async () => {
  const before = ground.github.requests.length;
  const { outputs } = await verify();
  expect(outputs).toMatchObject({ result: 'release', commit, plugins, changed: false });
  const writes = ground.github.requests.slice(before).filter(({ method }) => method !== 'GET');
  expect(writes.filter(({ path }) => !path.includes('graphql'))).toEqual([]);
});

it('fails when the pull request was pushed to, or closed', async () => {
  await ground.push({ 'release-plugins/logs.yaml': `${RELEASE['release-plugins/logs.yaml']}# more\n` });
  await expect(verify()).rejects.toMatchObject({ code: 'head-moved' });
  await ground.as('ada', 'PATCH', `pulls/${number}`, { state: 'closed' });
  await expect(verify()).rejects.toMatchObject({ code: 'pull-request-closed' });
});

it('fails when the approval does not stand any more', async () => {
  await ground.review('lin-wei', number, 'REQUEST_CHANGES');
  await expect(verify()).rejects.toMatchObject({ code: 'not-approved' });
});

it('fails when its approver is no owner any more', async () => {
  await ground.commit('main', { OWNERS: 'approvers: [chen]\n' });
  await expect(verify()).rejects.toMatchObject({ code: 'not-approved' });
});

it.each<[string, (plugin: Plugin) => Plugin]>([
  [
    'a digest',
    (plugin) => ({
      ...plugin,
      images: plugin.images.map((image) => ({ ...image, digest: `sha256:${'0'.repeat(64)}` })),
    }),
  ],
  [
    'no digest',
    (plugin) => ({ ...plugin, images: plugin.images.map(({ source, target, name }) => ({ source, target, name })) }),
  ],
  [
    'an image',
    (plugin) => ({ ...plugin, images: plugin.images.map((image) => ({ ...image, target: `${image.target}x` })) }),
  ],
  ['a version', (plugin) => ({ ...plugin, version: 'v0.3.0' })],
  ['a blob', (plugin) => ({ ...plugin, blob: 'b'.repeat(40) })],
  ['a plugin', (plugin) => ({ ...plugin, plugin: 'gpu' })],
])('fails for %s that is not bound', async (_, change) => {
  await expect(verify({ plugins: JSON.stringify(plugins.map(change)) })).rejects.toMatchObject({
    code: 'binding-changed',
  });
});

it('fails when the release was withdrawn, is done, or never was', async () => {
  await ground.comment('ada', number, '/queue need-queue');
  await expect(verify({}, { id: 1, attempt: 2 })).rejects.toThrow('withdrawn by ada');
  await ground.comment('ada', number, '/queue working-image-pushed');
  const packages = JSON.stringify(plugins.map((plugin) => packageOf(plugin)));
  await ground.run({ mode: 'report', 'pull-request': String(number), commit, packages });
  await expect(verify()).rejects.toThrow('is released already');
  await expect(verify({ 'pull-request': String(number + 1) })).rejects.toThrow();
});

it('lets the very run that failed run again, and no other', async () => {
  const failed = { mode: 'report', 'pull-request': String(number), commit, failed: 'true' };
  await ground.run(failed, { run: { id: 1, attempt: 1, workflow: '' } });
  expect(await ground.record(commit)).toMatchObject({ state: 'failed', run: { id: 1, attempt: 1 } });
  await expect(verify({}, { id: 1, attempt: 1 })).rejects.toMatchObject({ code: 'no-release' });
  await expect(verify({}, { id: 2, attempt: 2 })).rejects.toMatchObject({ code: 'no-release' });
  expect((await verify({}, { id: 1, attempt: 2 })).outputs.result).toBe('release');
});

it('lets no other run go on with what it did not command', async () => {
  expect((await verify({}, { id: 1, attempt: 2 })).outputs.result).toBe('release');
  await expect(verify({}, { id: 2, attempt: 1 })).rejects.toMatchObject({ code: 'other-run' });
});

it('takes all of its inputs', async () => {
  await expect(ground.run({ mode: 'verify', 'pull-request': '1', commit })).rejects.toThrow(
    "input 'plugins' is required",
  );
  await expect(verify({ plugins: '[]' })).rejects.toThrow('names none');
});
