import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import type { EventContext } from '@slipway/core/github/event';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

let fixture: StorageFixture;

/** What every distribution branch has beside packages. */
const COMMON = { Dockerfile: 'FROM registry.example.com/registry:v1.15.0\n', 'packages-old/x': '' };

beforeEach(async () => {
  fixture = await StorageFixture.start();
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  await fixture.commit('production', { ...COMMON, ...packageFiles('base', '1.0.0') }, null);
  await fixture.commit('staging', { ...COMMON, ...packageFiles('foo', '1.1.0'), 'go.mod': 'module x\n' }, null);
  await fixture.commit(
    'snapshot',
    {
      ...COMMON,
      ...packageFiles('foo', '1.2.3'),
      ...packageFiles('foo', '1.2.3-beta.1'),
      ...packageFiles('foo', '1.10.0'),
      ...packageFiles('log-viewer', '2.0.0'),
      'packages/foo/v9.9.9/manifest.yml': 'name: foo\n',
    },
    null,
  );
});

afterEach(() => fixture.close());

function start(texts: Record<string, string>, event: Partial<EventContext> = {}) {
  const { repository, github } = fixture;
  const env = { DOCKER_CONFIG: '/nonexistent' };
  const runtime = recordRuntime(env, { repository, apiUrl: github.apiUrl, ...event });
  return { runtime, result: run(inputsFrom(inputs, { token: 'sandbox-token', ...texts }), runtime) };
}

async function act(texts: Record<string, string>, event: Partial<EventContext> = {}) {
  const { runtime, result } = start(texts, event);
  return { runtime, outputs: await result };
}

const add = (packages: string, texts: Record<string, string> = {}) =>
  act({ mode: 'add', from: 'snapshot', to: 'staging', packages, ...texts });

function changesSent(): string[] {
  return fixture.github.requests
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path}`);
}

describe('a promotion', () => {
  it('is one commit on the next branch whose tree is the one that git makes, put up as a pull request', async () => {
    const staging = await fixture.id('staging');
    const { runtime, outputs } = await add('foo-1.2.3\nlog-viewer-2.0.0');
    const title = '[staging] Promote packages from snapshot (foo-1.2.3, log-viewer-2.0.0)';
    const pull = await fixture.call('GET', `pulls/${outputs['pull-request']}`);
    expect(pull).toMatchObject({ title, state: 'open', base: { ref: 'staging' }, head: { ref: outputs.branch } });
    const trees = {
      'packages/foo/1.2.3': await fixture.id('snapshot:packages/foo/1.2.3'),
      'packages/log-viewer/2.0.0': await fixture.id('snapshot:packages/log-viewer/2.0.0'),
    };
    expect(await fixture.git('log', '--format=%P|%B', '-1', outputs.branch)).toBe(
      `${staging}|${title}\n\nSlipway-Tree: ${await fixture.id(`${outputs.branch}^{tree}`)}`,
    );
    expect(await fixture.id(`${outputs.branch}^{tree}`)).toBe(await fixture.graft(staging, trees));
    expect(outputs).toMatchObject({
      promoted: [
        { name: 'foo', version: '1.2.3', tree: trees['packages/foo/1.2.3'] },
        { name: 'log-viewer', version: '2.0.0', tree: trees['packages/log-viewer/2.0.0'] },
      ],
      removed: [],
      refused: [],
      changed: true,
      plan: { tree: await fixture.id(`${outputs.branch}^{tree}`) },
    });
    for (const tree of Object.values(trees)) expect(pull['body']).toContain(tree);
    expect(await fixture.git('ls-tree', '-r', outputs.branch, '--', 'packages/foo/1.2.3/bin')).toMatch(/^100755 blob/);
    expect(runtime.failures).toEqual([]);
    expect(await fixture.packages('snapshot')).toContain('foo/1.2.3');
  });

  it('moves ids, not files: the number of calls does not depend on what else is there', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`packages/other${n}/1.0.0/manifest.yml`, 'x']),
    );
    await fixture.commit('staging', files);
    await fixture.commit('snapshot', files);
    await add('foo-1.2.3');
    expect(fixture.github.requests.length).toBeLessThan(25);
    expect(changesSent().map((line) => line.replace(/^(\w+) .*\/(\w+)$/, '$1 $2'))).toEqual([
      'POST trees',
      'POST trees',
      'POST trees',
      'POST commits',
      'POST refs',
      'POST pulls',
    ]);
  });

  it('changes nothing when it is run again', async () => {
    const first = await add('foo-1.2.3');
    const sent = changesSent().length;
    const head = await fixture.id(first.outputs.branch);
    const again = await add('foo-1.2.3');
    expect(again.outputs).toMatchObject({ changed: false, 'pull-request': first.outputs['pull-request'] });
    expect(changesSent()).toHaveLength(sent);
    expect(await fixture.id(first.outputs.branch)).toBe(head);
    await fixture.merge(Number(first.outputs['pull-request']));
    const merged = await add('foo-1.2.3');
    expect(merged.outputs).toMatchObject({ changed: false, 'pull-request': '', promoted: [], refused: [] });
  });

  it('is done when it is asked for again after the removal', async () => {
    const { outputs } = await add('foo-1.2.3');
    await fixture.merge(Number(outputs['pull-request']));
    await fixture.commit('snapshot', { 'packages/foo/1.2.3': null });
    const again = await add('foo-1.2.3');
    expect(again.outputs).toMatchObject({ changed: false, promoted: [], refused: [] });
    expect(again.runtime.lines).toContain('There is nothing to do.');
  });

  it('is done by name as well, and keeps its branch when a part of it is done', async () => {
    const both = await add('foo\nlog-viewer-2.0.0');
    const foo = await add('foo');
    await fixture.merge(Number(foo.outputs['pull-request']));
    await fixture.commit('snapshot', { 'packages/foo': null });
    expect((await add('foo')).outputs).toMatchObject({ changed: false, promoted: [], refused: [] });
    const again = await add('foo\nlog-viewer-2.0.0');
    expect(again.outputs).toMatchObject({
      branch: both.outputs.branch,
      'pull-request': both.outputs['pull-request'],
      promoted: [{ name: 'log-viewer' }],
    });
  });

  it('is refused when a distribution further along has other content', async () => {
    await fixture.commit('production', packageFiles('foo', '1.2.3', 'released'));
    const { runtime, outputs } = await add('foo-1.2.3');
    expect(runtime.failures.join()).toMatch(/'production' holds foo-1.2.3 already, with the tree/);
    expect(outputs).toMatchObject({ changed: false, promoted: [], refused: [{ name: 'foo' }] });
    expect(changesSent()).toEqual([]);
  });

  it('replaces without a reason where the policy asks for none, once', async () => {
    const policy = '  distributions: { snapshot: { upstream: [staging] }, staging: { overwrite: always } }';
    await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration(policy) });
    await fixture.commit('staging', packageFiles('foo', '1.2.3', 'other'));
    const { outputs } = await add('foo-1.2.3');
    expect(await fixture.git('log', '-1', '--format=%B', outputs.branch)).not.toContain('Overwrite-Reason');
    expect((await fixture.call('GET', `pulls/${outputs['pull-request']}`))['body']).toContain('holds:');
    expect((await add('foo-1.2.3')).outputs.changed).toBe(false);
  });

  it('only says what it would do in a dry run', async () => {
    const { runtime, outputs } = await add('foo-1.2.3', { 'dry-run': 'true' });
    expect(outputs).toMatchObject({
      changed: false,
      'pull-request': '',
      promoted: [{ name: 'foo', version: '1.2.3' }],
    });
    expect(changesSent()).toEqual([]);
    expect(runtime.lines.join('\n')).toContain('would be promoted: foo-1.2.3');
  });

  it('follows the base when it moved, on the same branch and pull request', async () => {
    const { outputs } = await add('foo-1.2.3');
    const moved = await fixture.commit('staging', packageFiles('late', '1.0.0'));
    const again = await add('foo-1.2.3');
    expect(again.outputs).toMatchObject({
      changed: true,
      'pull-request': outputs['pull-request'],
      branch: outputs.branch,
    });
    expect(await fixture.git('rev-parse', `${outputs.branch}^`)).toBe(moved);
    expect(await fixture.packages(outputs.branch)).toEqual(['foo/1.1.0', 'foo/1.2.3', 'late/1.0.0']);
  });

  it('does not lose what somebody put on its branch', async () => {
    const { outputs } = await add('foo-1.2.3');
    await fixture.commit(outputs.branch, { 'packages/foo/1.2.3/docs/README.md': 'mine' }, undefined, 'Mend the text');
    await fixture.commit('staging', packageFiles('late', '1.0.0'));
    await expect(add('foo-1.2.3')).rejects.toThrow(/is not ours and would be lost/);
    expect(await fixture.git('log', '-1', '--format=%s', outputs.branch)).toBe('Mend the text');
  });

  it('does not lose what somebody changed in its own commit', async () => {
    const { outputs } = await add('foo-1.2.3');
    const message = await fixture.git('log', '-1', '--format=%B', outputs.branch);
    await fixture.commit(outputs.branch, { 'README.md': 'mine' }, await fixture.id('staging'), message);
    const amended = await fixture.id(outputs.branch);
    await fixture.commit('staging', packageFiles('late', '1.0.0'));
    await expect(add('foo-1.2.3')).rejects.toThrow(/is not ours and would be lost/);
    expect(await fixture.id(outputs.branch)).toBe(amended);
  });

  it('does not lose what somebody merged into its branch', async () => {
    const { outputs } = await add('foo-1.2.3');
    const other = await fixture.commit('other', { 'README.md': 'mine' }, await fixture.id('staging'));
    const tree = await fixture.git('merge-tree', '--write-tree', outputs.branch, other);
    const ours = await fixture.id(outputs.branch);
    const merge = await fixture.git('commit-tree', tree, '-p', ours, '-p', other, '-m', 'Merge other');
    await fixture.git('update-ref', `refs/heads/${outputs.branch}`, merge);
    await expect(add('foo-1.2.3')).rejects.toThrow(/is not ours and would be lost/);
  });

  it('replaces a branch of which the base holds everything', async () => {
    const { outputs } = await add('foo-1.2.3', { 'dry-run': 'true' });
    const staging = await fixture.id('staging');
    await fixture.git('update-ref', `refs/heads/${outputs.branch}`, staging);
    await fixture.commit('staging', packageFiles('late', '1.0.0'));
    expect((await add('foo-1.2.3')).outputs).toMatchObject({ changed: true, branch: outputs.branch });
  });

  it.each([1, 3])('goes on from a branch into which GitHub merged the base %d times', async (times) => {
    const { outputs } = await add('foo-1.2.3');
    for (let count = 1; count < times; count += 1) {
      const next = await fixture.commit('staging', packageFiles('more', `${count}.0.0`));
      const merged = await fixture.git('merge-tree', '--write-tree', next, outputs.branch);
      const before = await fixture.id(outputs.branch);
      const update = await fixture.git('commit-tree', merged, '-p', before, '-p', next, '-m', 'Merge');
      await fixture.git('update-ref', `refs/heads/${outputs.branch}`, update);
    }
    const staging = await fixture.commit('staging', packageFiles('late', '1.0.0'));
    const tree = await fixture.git('merge-tree', '--write-tree', staging, outputs.branch);
    const ours = await fixture.id(outputs.branch);
    const merge = await fixture.git('commit-tree', tree, '-p', ours, '-p', staging, '-m', "Merge branch 'staging'");
    await fixture.git('update-ref', `refs/heads/${outputs.branch}`, merge);
    await add('foo-1.2.3');
    expect(await fixture.git('rev-parse', `${outputs.branch}^`)).toBe(staging);
  });

  it('takes a lost answer for what it is', async () => {
    fixture.github.failNext({ kind: 'lose-reply', method: 'POST', path: /\/git\/refs$/ });
    fixture.github.failNext({ kind: 'lose-reply', method: 'POST', path: /\/pulls$/ });
    const { outputs } = await add('foo-1.2.3');
    expect(await fixture.call('GET', `pulls/${outputs['pull-request']}`)).toMatchObject({ state: 'open' });
    expect(await fixture.call('GET', 'pulls')).toHaveLength(1);
  });

  it('loses nothing when two run at the same time, and when both are merged', async () => {
    const [one, other, same] = await Promise.all([add('foo-1.2.3'), add('log-viewer'), add('foo-1.2.3')]);
    expect(one.outputs.branch).not.toBe(other.outputs.branch);
    expect(same.outputs['pull-request']).toBe(one.outputs['pull-request']);
    await fixture.merge(Number(one.outputs['pull-request']));
    await fixture.merge(Number(other.outputs['pull-request']), 'merge');
    expect(await fixture.packages('staging')).toEqual(['foo/1.1.0', 'foo/1.2.3', 'log-viewer/2.0.0']);
  });

  it('is closed when others have done it meanwhile', async () => {
    const { outputs } = await add('foo-1.2.3');
    await fixture.commit('staging', packageFiles('foo', '1.2.3'));
    expect((await add('foo-1.2.3')).outputs).toMatchObject({ changed: true, promoted: [] });
    expect(await fixture.call('GET', `pulls/${outputs['pull-request']}`)).toMatchObject({ state: 'closed' });
  });

  it('makes the directory packages where there is none, and production may be reached from snapshot', async () => {
    await fixture.commit('production', { 'packages/base': null });
    const { outputs } = await add('log-viewer', { to: 'production' });
    expect(await fixture.packages(outputs.branch)).toEqual(['log-viewer/2.0.0']);
    const pull = await fixture.call('GET', `pulls/${outputs['pull-request']}`);
    expect(pull['title']).toBe('[production] Promote packages from snapshot (log-viewer-2.0.0)');
  });

  it('takes the short title over 256 characters, and has them all in the body', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `a-rather-long-name-${n}`);
    await fixture.commit('snapshot', Object.assign({}, ...names.map((name) => packageFiles(name, '1.0.0'))));
    const { outputs } = await add(names.join('\n'));
    const pull = await fixture.call('GET', `pulls/${outputs['pull-request']}`);
    expect(pull['title']).toBe('[staging] Promote many packages from snapshot');
    for (const name of names) expect(pull['body']).toContain(`${name}-1.0.0`);
  });
});

describe('what is promoted', () => {
  it.each([
    ['the newest of a name', 'foo', ['foo/1.10.0']],
    ['a prerelease', 'foo-1.2.3-beta.1', ['foo/1.2.3-beta.1']],
    ['a name with a dash', 'log-viewer-2.0.0', ['log-viewer/2.0.0']],
    ['JSON', '["foo-1.2.3", {"name": "foo", "version": "1.10.0"}]', ['foo/1.2.3', 'foo/1.10.0']],
    ['twice the same', 'foo-1.2.3\n# comment\nfoo-1.2.3', ['foo/1.2.3']],
    ['all', 'all', ['foo/1.2.3-beta.1', 'foo/1.2.3', 'foo/1.10.0', 'log-viewer/2.0.0']],
  ])('may be %s', async (_, packages, expected) => {
    const { outputs } = await add(packages, { 'dry-run': 'true' });
    expect(outputs.promoted.map(({ name, version }) => `${name}/${version}`)).toEqual(expected);
  });

  it.each([
    ['foo-9.9.9', /does not hold foo-9.9.9/],
    ['bar', /does not hold the package 'bar'/],
    ['foo-v9.9.9', /does not hold the package 'foo-v9.9.9'/],
    ['[{"name": "foo", "version": "v9.9.9"}]', /no strict semantic version/],
    ['[{"name": "foo"}]', /is no package/],
    ['[]', /names no package/],
  ])('is refused as %s', async (packages, message) => {
    await expect(async () => add(packages)).rejects.toThrow(message);
    expect(changesSent()).toEqual([]);
  });

  it('must not be ambiguous on the branch', async () => {
    await fixture.commit('snapshot', { ...packageFiles('x', '1.0.0-2.0.0'), ...packageFiles('x-1.0.0', '2.0.0') });
    await expect(add('x-1.0.0-2.0.0')).rejects.toThrow(/could be 2.0.0 of 'x-1.0.0' or 1.0.0-2.0.0 of 'x'/);
    const { outputs } = await add('[{"name": "x", "version": "1.0.0-2.0.0"}]', { 'dry-run': 'true' });
    expect(outputs.promoted).toMatchObject([{ name: 'x' }]);
  });

  it.each([
    [
      { from: 'staging', to: 'snapshot' },
      /Nothing is promoted from 'staging' to 'snapshot'; allowed: staging to production/,
    ],
    [{ to: 'experimental' }, /'experimental' is frozen/],
    [{ to: 'nowhere' }, /'nowhere' is no distribution/],
    [{ from: '' }, /input 'from' is required/],
    [{ packages: '' }, /input 'packages' is required/],
  ])('goes in the directions that the configuration allows, not %o', async (texts, message) => {
    await expect(async () => add('foo-1.2.3', texts)).rejects.toThrow(message);
  });
});

describe('a version that is there with other content', () => {
  beforeEach(() => fixture.commit('staging', packageFiles('foo', '1.2.3', 'other')));

  it('is refused with both ids, and nothing of the promotion happens', async () => {
    const { runtime, outputs } = await add('foo-1.2.3\nlog-viewer');
    const [there, wanted] = [
      await fixture.id('staging:packages/foo/1.2.3'),
      await fixture.id('snapshot:packages/foo/1.2.3'),
    ];
    expect(outputs).toMatchObject({ promoted: [], refused: [{ name: 'foo', tree: wanted }], changed: false });
    expect(runtime.failures.join()).toContain(`with the tree ${there} instead of ${wanted}`);
    expect(runtime.failures.join()).toContain('overwrite: true');
    expect(changesSent()).toEqual([]);
  });

  it('is replaced on request, with a reason that stands in the commit', async () => {
    const texts = { overwrite: 'true', reason: 'The image\nwas `wrong` @everybody' };
    const { outputs } = await add('foo-1.2.3', texts);
    expect(await fixture.id(`${outputs.branch}:packages/foo/1.2.3`)).toBe(
      await fixture.id('snapshot:packages/foo/1.2.3'),
    );
    expect(await fixture.git('log', '-1', '--format=%B', outputs.branch)).toBe(
      '[staging] Promote packages from snapshot (foo-1.2.3)\n\nOverwrite-Reason: The image was `wrong` @everybody\n' +
        `Slipway-Tree: ${await fixture.id(`${outputs.branch}^{tree}`)}`,
    );
    expect((await add('foo-1.2.3', texts)).outputs.changed).toBe(false);
  });

  it('needs a reason, and a person', async () => {
    await expect(add('foo-1.2.3', { overwrite: 'true' })).rejects.toThrow(/'reason' is required/);
    const texts = { mode: 'add', from: 'snapshot', to: 'staging', packages: 'foo', overwrite: 'true', reason: 'x' };
    await expect(act(texts, { name: 'push' })).rejects.toThrow(/started by 'push'/);
  });

  it('stays where the policy is never, whoever asks', async () => {
    await fixture.commit('production', packageFiles('foo', '1.2.3', 'released'));
    const { outputs } = await add('foo-1.2.3', { to: 'production', overwrite: 'true', reason: 'please' });
    expect(outputs.refused[0]?.reason).toContain("'production' never replaces a version");
    expect(changesSent()).toEqual([]);
  });
});

describe('the configuration', () => {
  it('is the one of the default branch, whatever a distribution branch says', async () => {
    await fixture.commit('staging', {
      '.github/slipway.yaml': 'storage: { distributions: { staging: { overwrite: always } } }\n',
    });
    await fixture.commit('staging', packageFiles('foo', '1.2.3', 'other'));
    const baseSha = await fixture.id('staging');
    const pullRequest = { number: 1, baseRef: 'staging', baseSha, headSha: baseSha };
    const texts = { mode: 'add', from: 'snapshot', to: 'staging', packages: 'foo-1.2.3' };
    expect((await act(texts, { pullRequest })).outputs.refused).toHaveLength(1);
  });

  it('may be in another repository than the storage', async () => {
    await fixture.github.addRepository('acme/releases');
    await writeFile(join(fixture.path, 'configuration.yaml'), `storage: { repository: ${fixture.repository} }\n`);
    const texts = { mode: 'add', from: 'snapshot', to: 'staging', packages: 'foo-1.2.3', 'dry-run': 'true' };
    const config = { config: join(fixture.path, 'configuration.yaml') };
    const { outputs } = await act({ ...texts, ...config }, { repository: 'acme/releases' });
    expect(outputs.promoted).toHaveLength(1);
  });
});
