import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import type { EventContext } from '@slipway/core/github/event';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

let fixture: StorageFixture;

const FOO = packageFiles('foo', '1.2.3');
const COMMON = { Dockerfile: 'FROM registry.example.com/registry:v1.15.0\n' };
const TITLE = { snapshot: '[snapshot] Change', staging: '[staging] Change', production: '[production] Change' };

beforeEach(async () => {
  fixture = await StorageFixture.start();
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  await fixture.commit('production', { ...COMMON, ...packageFiles('base', '1.0.0') }, null);
  await fixture.commit('staging', { ...COMMON, ...FOO }, null);
  await fixture.commit('snapshot', { ...COMMON, ...FOO, ...packageFiles('bar', '1.0.0') }, null);
  await fixture.publish('staging', await fixture.id('staging'));
});

afterEach(() => fixture.close());

async function gate(texts: Record<string, string> = {}, event: Partial<EventContext> = {}, docker = '/nonexistent') {
  const { repository, github } = fixture;
  const runtime = recordRuntime({ DOCKER_CONFIG: docker }, { repository, apiUrl: github.apiUrl, ...event });
  const outputs = await run(inputsFrom(inputs, { token: 'sandbox-token', mode: 'gate', ...texts }), runtime);
  return { runtime, outputs };
}

type Files = Parameters<StorageFixture['commit']>[1];

async function open(base: keyof typeof TITLE, files: Files, title = TITLE[base], message = 'x'): Promise<number> {
  const head = `change-${Math.random().toString(36).slice(2)}`;
  await fixture.commit(head, files, await fixture.id(base), message);
  return fixture.openPullRequest(head, base, title);
}

const judge = (number: number, texts: Record<string, string> = {}) =>
  gate({ 'pull-request': String(number), ...texts });

/** Returns the check on the head of a pull request, as GitHub shows it. */
async function checkOf(number: number) {
  const { head } = (await fixture.call('GET', `pulls/${number}`)) as { head: { sha: string } };
  const { check_runs: runs } = await fixture.call('GET', `commits/${head.sha}/check-runs`);
  return (runs as { name: string; conclusion: string; output: { title: string; summary: string } }[])[0];
}

async function expectRed(number: number, reason: RegExp): Promise<void> {
  const { runtime } = await judge(number);
  expect(runtime.failures.join('\n')).toMatch(reason);
  const check = await checkOf(number);
  expect(check).toMatchObject({ name: 'slipway / gate', conclusion: 'failure' });
  expect(check?.output.summary).toMatch(reason);
}

async function expectGreen(number: number): Promise<void> {
  const { runtime } = await judge(number);
  expect(runtime.failures).toEqual([]);
  expect(await checkOf(number)).toMatchObject({ name: 'slipway / gate', conclusion: 'success' });
}

describe('the gate', () => {
  it('lets a promotion and the removal after it pass, in this order only', async () => {
    const texts = { from: 'snapshot', to: 'staging', token: 'sandbox-token' };
    const adding = await gate({ ...texts, mode: 'add', packages: 'bar' });
    const removal = await open('snapshot', { 'packages/bar': null });
    await expectRed(removal, /bar-1.0.0 would disappear/);
    await expectGreen(Number(adding.outputs['pull-request']));
    await fixture.merge(Number(adding.outputs['pull-request']));
    await expectRed(removal, /'staging' holds it, but the image .* was built from/);
    await fixture.publish('staging', await fixture.id('staging'));
    await expectGreen(removal);
    await fixture.merge(removal);
    expect(await fixture.packages('snapshot')).toEqual(['foo/1.2.3']);
  });

  it('says what it found in the outputs and on the head, once', async () => {
    const number = await open('snapshot', { ...packageFiles('new', '1.0.0'), 'packages/bar': null });
    const { outputs } = await judge(number);
    expect(outputs).toMatchObject({
      'pull-request': number,
      promoted: [{ name: 'new', version: '1.0.0' }],
      removed: [{ name: 'bar', version: '1.0.0' }],
      refused: [{ name: 'bar', version: '1.0.0', tree: await fixture.id('snapshot:packages/bar/1.0.0') }],
      changed: true,
    });
    expect((await checkOf(number))?.output.title).toBe('1 thing to mend: 1 version added, 1 removed');
    expect((await judge(number)).outputs.changed).toBe(false);
    const { outputs: dry } = await judge(await open('staging', { x: 'y' }), { 'dry-run': 'true' });
    expect(dry.changed).toBe(false);
  });

  it('turns red again when the promotion is reverted, or when the image goes elsewhere', async () => {
    const removal = await open('snapshot', { 'packages/foo': null });
    await expectGreen(removal);
    const merged = await fixture.id('staging');
    await fixture.commit('staging', { 'packages/foo': null });
    await expectRed(removal, /'staging' does not hold it/);
    await fixture.git('update-ref', 'refs/heads/staging', merged);
    await expectGreen(removal);
    await fixture.publish('staging', await fixture.id('production'));
    await expectRed(removal, /is not the head/);
  });

  it('judges what the base holds now, not what it held when the pull request was opened', async () => {
    const removal = await open('snapshot', { 'packages/foo': null });
    await fixture.commit('snapshot', packageFiles('foo', '1.2.3', 'replaced'));
    await expectRed(removal, /foo\/1.2.3: this pull request and 'snapshot' have both changed it/);
    const other = await open('snapshot', { 'packages/foo': null });
    await expectRed(other, /'staging' holds other content/);
  });

  it('does not blame a pull request for what its base has got since', async () => {
    const number = await open('snapshot', packageFiles('new', '1.0.0'));
    await fixture.commit('snapshot', { ...packageFiles('later', '1.0.0'), ...packageFiles('bar', '2.0.0') });
    const { outputs } = await judge(number);
    expect(outputs).toMatchObject({ removed: [], promoted: [{ name: 'new' }] });
    await fixture.merge(number);
    expect(await fixture.packages('snapshot')).toHaveLength(5);
  });

  it('judges all that are open, and leaves it to their checks to be red', async () => {
    const wrong = await open('snapshot', { 'packages/bar': null });
    const right = await open('production', packageFiles('base', '1.1.0'));
    const elsewhere = await fixture.commit('docs', { 'README.md': '' }, await fixture.id('main'));
    await fixture.openPullRequest('docs', 'main', 'docs');
    const { runtime, outputs } = await gate({}, { name: 'push', sha: elsewhere });
    expect(runtime.failures).toEqual([]);
    expect(outputs.refused).toHaveLength(1);
    expect(await checkOf(wrong)).toMatchObject({ conclusion: 'failure' });
    expect(await checkOf(right)).toMatchObject({ conclusion: 'success' });
    expect((await gate({ from: 'production' })).outputs.refused).toEqual([]);
  });

  it("takes the event's pull request, and has nothing to say about one to another branch", async () => {
    const number = await open('snapshot', { 'packages/bar': null });
    const baseSha = await fixture.id('snapshot');
    const pullRequest = { number, baseRef: 'snapshot', baseSha, headSha: baseSha };
    expect((await gate({}, { pullRequest })).runtime.failures).toHaveLength(1);
    await fixture.commit('docs', { 'README.md': '' }, await fixture.id('main'));
    const docs = await fixture.openPullRequest('docs', 'main', 'docs');
    expect((await judge(docs)).runtime.failures).toEqual([]);
    expect(await checkOf(docs)).toBeUndefined();
  });
});

describe('what cannot be judged', () => {
  it('gets a red check instead of the earlier green one, and the error stays one', async () => {
    const number = await open('snapshot', { 'packages/foo': null });
    await expectGreen(number);
    await fixture.commit('main', { '.github/slipway.yaml': 'storage: {}\n' });
    await expect(judge(number)).rejects.toThrow(/storage.image/);
    const check = await checkOf(number);
    expect(check).toMatchObject({ conclusion: 'failure' });
    expect(check?.output.summary).toMatch(/could not be judged: .*storage.image/);
    const other = await open('staging', { x: '' });
    await expectGreen(other);
    await expect(judge(other, { to: 'nowhere' })).rejects.toThrow(/'nowhere' is no distribution/);
    expect(await checkOf(other)).toMatchObject({ conclusion: 'failure' });
  });

  it('keeps none of the others from it, and makes the step fail in the end', async () => {
    const first = await open('snapshot', { 'packages/foo': null });
    const second = await open('snapshot', packageFiles('new', '1.0.0'));
    await expectGreen(first);
    await fixture.commit('main', { '.github/slipway.yaml': 'storage: {}\n' });
    const { runtime, outputs } = await gate({}, { name: 'push' });
    expect(runtime.failures.join()).toMatch(/Not all could be judged: .*storage.image/);
    expect(outputs).toMatchObject({ changed: true, promoted: [{ name: 'new' }] });
    expect(await checkOf(first)).toMatchObject({ conclusion: 'failure' });
    expect(await checkOf(second)).toMatchObject({ conclusion: 'success' });
  });

  it('may be so because of credentials, which are not needed for the others', async () => {
    await open('snapshot', { 'packages/foo': null });
    await open('snapshot', packageFiles('new', '1.0.0'));
    const docker = await mkdtemp(join(tmpdir(), 'docker-'));
    await writeFile(join(docker, 'config.json'), '{');
    const { runtime, outputs } = await gate({}, {}, docker);
    expect(runtime.failures.join()).toMatch(/Not all could be judged: .*config.json/);
    expect(outputs).toMatchObject({ promoted: [{ name: 'new' }] });
    await rm(docker, { recursive: true });
  });

  it('is judged again as soon as it can be', async () => {
    const [first, second] = [await open('staging', { x: '' }), await open('staging', { y: '' })];
    fixture.github.failNext({ kind: 'status', status: 418, method: 'GET', path: /\/git\/trees\// });
    expect((await gate()).runtime.failures.join()).toMatch(/418/);
    expect(await checkOf(first)).toMatchObject({ conclusion: 'failure' });
    expect(await checkOf(second)).toMatchObject({ conclusion: 'success' });
    await expectGreen(first);
  });

  it('is red on the head of the event when GitHub does not even say which it is', async () => {
    const number = await open('staging', { x: '' });
    await expectGreen(number);
    const { head } = (await fixture.call('GET', `pulls/${number}`)) as { head: { sha: string } };
    const baseSha = await fixture.id('staging');
    fixture.github.failNext({ kind: 'status', status: 418, method: 'GET', path: /\/pulls\/\d+$/ });
    const pullRequest = { number, baseRef: 'staging', baseSha, headSha: head.sha };
    await expect(gate({}, { pullRequest })).rejects.toThrow(/418/);
    expect(await checkOf(number)).toMatchObject({ conclusion: 'failure' });
  });
});

describe('a head', () => {
  const verdictOn = async (number: number) => (await checkOf(number))?.conclusion;

  it('of several pull requests is green only when all of them may be merged', async () => {
    const right = await open('snapshot', packageFiles('new', '1.0.0'));
    await expectGreen(right);
    const { head } = (await fixture.call('GET', `pulls/${right}`)) as { head: { ref: string } };
    const wrong = await fixture.openPullRequest(head.ref, 'staging', 'no prefix');
    for (const number of [right, wrong]) {
      const { runtime } = await judge(number);
      expect(runtime.failures.join()).toContain(`#${wrong} must not be merged`);
      expect(await verdictOn(right)).toBe('failure');
    }
    expect((await checkOf(right))?.output.summary).toContain(`- #${wrong}: `);
    await gate();
    expect(await verdictOn(right)).toBe('failure');
    await gate({ from: 'snapshot' });
    expect(await verdictOn(right)).toBe('failure');
  });

  it('gets our own check, whoever else has written one of that name', async () => {
    const number = await open('staging', { x: '' });
    await expectGreen(number);
    const { head } = (await fixture.call('GET', `pulls/${number}`)) as { head: { sha: string } };
    const { conclusion, output } = (await checkOf(number)) ?? {};
    fixture.github.addToken({
      token: 'other',
      login: 'other-app',
      repositories: [fixture.repository],
      permissions: { checks: 'write' },
    });
    const response = await fetch(`${fixture.github.apiUrl}/repos/${fixture.repository}/check-runs`, {
      method: 'POST',
      headers: { authorization: 'Bearer other' },
      body: JSON.stringify({ name: 'slipway / gate', head_sha: head.sha, status: 'completed', conclusion, output }),
    });
    expect(response.status).toBe(201);
    expect((await judge(number)).outputs.changed).toBe(true);
    expect((await judge(number)).outputs.changed).toBe(false);
  });
});

describe('the gate refuses', () => {
  it('a title without the name of the branch', async () => {
    await expectRed(await open('staging', { x: '' }, 'Change'), /must begin with '\[staging\] '/);
    await expectRed(await open('staging', { x: '' }, '[snapshot] Change'), /must begin with/);
    await expectRed(await open('staging', { x: '' }, '[staging]   \t'), /must begin with/);
  });

  it.each([
    ['a v', { 'packages/foo/v1.2.4/manifest.yml': 'name: foo\nversion: v1.2.4\n' }, /Write it without v/],
    ['no semver', { 'packages/foo/1.2/manifest.yml': 'name: foo\nversion: "1.2"\n' }, /no strict semantic version/],
    ['another version', { 'packages/foo/1.2.4/manifest.yml': 'name: foo\nversion: 1.2.5\n' }, /version\S+ is "1.2.5"/],
    ['another name', { 'packages/foo/1.2.4/manifest.yml': 'name: bar\nversion: 1.2.4\n' }, /name\S+ is "bar"/],
    ['no version', { 'packages/foo/1.2.4/manifest.yml': 'name: foo\n' }, /version\S+ is missing/],
    ['no manifest', { 'packages/foo/1.2.4/README.md': '' }, /has no manifest.yml/],
    ['no YAML', { 'packages/foo/1.2.4/manifest.yml': 'name: [' }, /manifest.yml: line 1/],
    [
      'a symlink',
      { ...packageFiles('foo', '1.2.4'), 'packages/foo/1.2.4/x': { symlink: '../1.2.3/x' } },
      /is a symlink/,
    ],
    [
      'a symlink as the manifest',
      { 'packages/foo/1.2.4/manifest.yml': { symlink: '../1.2.3/manifest.yml' } },
      /is a symlink/,
    ],
    [
      'a submodule',
      { ...packageFiles('foo', '1.2.4'), 'packages/foo/1.2.4/x': { submodule: 'a'.repeat(40) } },
      /is a submodule/,
    ],
    [
      'a name that removes files of an image',
      { ...packageFiles('foo', '1.2.4'), 'packages/foo/1.2.4/.wh.x': '' },
      /begins with '.wh.'/,
    ],
    ['a bad name', packageFiles('Foo', '1.2.4'), /'Foo' is no name of a package/],
    ['a file for a version', { 'packages/foo/1.2.4': 'x' }, /packages\/foo\/1.2.4 is no directory/],
    ['a symlink for a version', { 'packages/foo/1.2.4': { symlink: '1.2.3' } }, /is no directory/],
    ['a symlink for a name', { 'packages/food': { symlink: 'foo' } }, /packages\/food is no directory/],
  ] satisfies [string, Files, RegExp][])('a directory with %s', async (_, files, reason) => {
    await expectRed(await open('staging', files), reason);
  });

  it('a version that is replaced by something else', async () => {
    await expectRed(await open('staging', { 'packages/foo/1.2.3': { symlink: '1.2.2' } }), /foo-1.2.3 would disappear/);
    await expectRed(await open('staging', { 'packages/foo': 'x' }), /foo-1.2.3 would disappear/);
    await expectRed(await open('staging', { packages: null }), /foo-1.2.3 would disappear/);
  });

  it('a version that moves to another place', async () => {
    const moved = { 'packages/foo': null, ...packageFiles('food', '1.2.3') };
    await expectRed(await open('staging', moved), /foo-1.2.3 would disappear/);
  });

  it('every removal from a distribution with nobody further along', async () => {
    await expectRed(await open('production', { 'packages/base': null }), /Nothing is ever removed from 'production'/);
  });

  it('everything where nothing may change', async () => {
    await fixture.commit('experimental', COMMON, null);
    await fixture.commit('change', { x: '' }, await fixture.id('experimental'));
    await expectRed(await fixture.openPullRequest('change', 'experimental', '[experimental] x'), /is frozen/);
  });

  it('other content for a version that is there, as the policy says', async () => {
    const files = packageFiles('foo', '1.2.3', 'other');
    await expectRed(await open('staging', files), /already, with the tree .* whose message has a line/);
    await expectRed(await open('staging', files, undefined, 'x\n\nOverwrite-Reason: '), /already, with the tree/);
    await expectGreen(await open('staging', files, undefined, 'x\n\nOverwrite-Reason: the image was wrong'));
    await expectGreen(await open('snapshot', packageFiles('bar', '1.0.0', 'other')));
    const base = packageFiles('base', '1.0.0', 'other');
    await expectRed(await open('production', base, undefined, 'x\n\nOverwrite-Reason: please'), /never replaces/);
  });

  it('two pull requests that bring the same version with other content', async () => {
    const [one, other] = [
      await open('staging', packageFiles('new', '1.0.0')),
      await open('staging', packageFiles('new', '1.0.0', 'other')),
    ];
    await expectGreen(one);
    await fixture.merge(one);
    await expectRed(other, /have both changed it/);
  });

  it('a configuration that nobody would follow', async () => {
    await expectRed(
      await open('staging', { '.github/slipway.yaml': 'storage: {}\n' }),
      /does not belong on the branch/,
    );
    await fixture.commit('staging', { '.github/slipway.yaml': 'storage: {}\n' });
    await expectGreen(await open('staging', { x: '' }));
    await expectGreen(await open('staging', { '.github/slipway.yaml': null }));
  });

  it('other content than a distribution further along has', async () => {
    await fixture.commit('production', packageFiles('late', '1.0.0', 'released'));
    await expectRed(await open('snapshot', packageFiles('late', '1.0.0')), /'production' holds late-1.0.0 already/);
    await expectGreen(await open('snapshot', packageFiles('late', '1.0.0', 'released')));
  });

  it('a file in the place of all packages, which it shows as removed', async () => {
    const number = await open('staging', { packages: 'x' });
    await expectRed(number, /packages\S+ is no directory[\s\S]*foo-1.2.3 would disappear/);
    expect((await judge(number)).outputs.removed).toMatchObject([{ name: 'foo', version: '1.2.3' }]);
  });

  it('a history of its own', async () => {
    await fixture.commit('unrelated', COMMON, null);
    const tree = await fixture.id('unrelated^{tree}');
    const head = await fixture.git('commit-tree', tree, '-m', 'alone');
    await fixture.git('update-ref', 'refs/heads/unrelated', head);
    await expectRed(await fixture.openPullRequest('unrelated', 'staging', TITLE.staging), /no history in common/);
  });
});
