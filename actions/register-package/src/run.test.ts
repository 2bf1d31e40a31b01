import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import type { EventContext } from '@slipway/core/github/event';
import { gitTreeId } from '@slipway/core/github/git-object';
import { pluginText } from '@slipway/core/plugin/testing';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const RELEASES = 'acme/releases';
const STORAGE = {
  token: 'storage',
  login: 'app',
  repositories: ['acme/package-storage'],
  permissions: { contents: 'write' },
} as const;
const READER = { token: 'reader', login: 'job', repositories: [RELEASES], permissions: { contents: 'read' } } as const;
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

let fixture: StorageFixture;
let commit: string;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  fixture.github.addToken(STORAGE);
  fixture.github.addToken(READER);
  await fixture.github.addRepository(RELEASES);
  commit = await commitFiles(
    fixture.github.repositoryPath(RELEASES),
    'main',
    {
      '.github/slipway.yaml': `plugins: { prefix: acme-plugins- }\nstorage: { repository: ${fixture.repository} }\n`,
      'release-plugins/log-viewer.yaml': pluginText('log-viewer', { version: 'v0.2.0-beta.1' }),
      'release-plugins/gpu.yaml': pluginText('gpu', { version: 'v1.0.0' }),
    },
    { message: 'x' },
  );
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  for (const branch of ['production', 'staging', 'snapshot']) {
    await fixture.commit(branch, { Dockerfile: 'FROM scratch\n', ...packageFiles('base', '1.0.0') }, null);
  }
});

afterEach(() => fixture.close());

function released(plugin: string, version: string, more: object = {}) {
  const target = `harbor.example.com/release/acme-plugins-${plugin}:${version}`;
  const image = {
    source: `cargo.example.com/team/acme-plugins-${plugin}:${version}`,
    target,
    name: plugin,
    digest: DIGEST,
  };
  const file = `/tmp/acme-plugins-${plugin}-${version}.tar.gz`;
  const uri = `oss://bucket/plugins/acme-plugins-${plugin}-${version}.tar.gz`;
  const images = [{ ...image, platforms: ['linux/amd64'] }];
  return { plugin, version, file, sha256: 'ab'.repeat(32), size: 12345, uri, commit, images, ...more };
}

const LOG_VIEWER = () => released('log-viewer', 'v0.2.0-beta.1');
const GPU = () => released('gpu', 'v1.0.0');

async function register(packages: object[], texts: Record<string, string> = {}, event: Partial<EventContext> = {}) {
  const runtime = recordRuntime({}, { repository: RELEASES, apiUrl: fixture.github.apiUrl, ...event });
  const given = { token: 'reader', 'storage-token': 'storage', packages: JSON.stringify(packages), ...texts };
  return { runtime, outputs: await run(inputsFrom(inputs, given), runtime) };
}

const show = (path: string) => fixture.git('show', `snapshot:packages/${path}`);

function changesSent(): number {
  return fixture.github.requests.filter(({ method }) => method !== 'GET').length;
}

describe('a registration', () => {
  it('is one commit on the first distribution, with everything that a package registry asks for', async () => {
    const before = await fixture.id('snapshot');
    const { runtime, outputs } = await register([LOG_VIEWER()]);
    expect(runtime.failures).toEqual([]);
    const tree = await fixture.id('snapshot:packages/log_viewer/0.2.0-beta.1');
    expect(outputs).toMatchObject({
      commit: await fixture.id('snapshot'),
      registered: [{ name: 'log_viewer', version: '0.2.0-beta.1', tree }],
      'pull-request': '',
      changed: true,
    });
    expect(await fixture.git('log', '-1', '--format=%P|%B', 'snapshot')).toBe(
      `${before}|[snapshot] Register packages (log_viewer-0.2.0-beta.1)`,
    );
    expect(await fixture.git('diff', '--name-status', before, 'snapshot')).toBe(
      ['acme-plugins-log-viewer.yaml', 'docs/README.md', 'manifest.yml', 'release.json']
        .map((file) => `A\tpackages/log_viewer/0.2.0-beta.1/${file}`)
        .join('\n'),
    );
    expect(load(await show('log_viewer/0.2.0-beta.1/manifest.yml'))).toEqual({
      format_version: '1.0.0',
      name: 'log_viewer',
      title: expect.stringMatching(/./),
      version: '0.2.0-beta.1',
      description: expect.stringMatching(/./),
      type: 'integration',
      release: 'beta',
      license: 'basic',
      categories: ['custom'],
      owner: { github: RELEASES },
    });
    expect(`${await show('log_viewer/0.2.0-beta.1/acme-plugins-log-viewer.yaml')}\n`).toBe(
      pluginText('log-viewer', { version: 'v0.2.0-beta.1' }),
    );
    const { images, uri } = LOG_VIEWER();
    expect(JSON.parse(await show('log_viewer/0.2.0-beta.1/release.json'))).toEqual({
      plugin: 'log-viewer',
      version: 'v0.2.0-beta.1',
      repository: RELEASES,
      commit,
      package: { file: 'acme-plugins-log-viewer-v0.2.0-beta.1.tar.gz', uri, sha256: 'ab'.repeat(32), size: 12345 },
      images: [{ image: images[0]?.target, digest: DIGEST, platforms: ['linux/amd64'] }],
    });
    expect(await show('log_viewer/0.2.0-beta.1/docs/README.md')).toContain(DIGEST);
  });

  it('takes several packages in one commit', async () => {
    const before = await fixture.id('snapshot');
    await register([LOG_VIEWER(), GPU()]);
    expect(await fixture.git('rev-list', '--count', `${before}..snapshot`)).toBe('1');
    expect(await fixture.packages('snapshot')).toEqual(['base/1.0.0', 'gpu/1.0.0', 'log_viewer/0.2.0-beta.1']);
    expect(load(await show('gpu/1.0.0/manifest.yml'))).toMatchObject({ release: 'ga' });
  });

  it('changes nothing when it is run again', async () => {
    const { outputs } = await register([GPU()]);
    const sent = changesSent();
    const again = await register([GPU()]);
    expect(again.outputs).toMatchObject({ changed: false, commit: outputs.commit, registered: outputs.registered });
    expect(changesSent()).toBe(sent);
  });

  it('changes nothing when the package has been promoted and removed meanwhile', async () => {
    await register([GPU()]);
    const path = 'packages/gpu/1.0.0';
    const grafted = await fixture.graft('staging', { [path]: await fixture.id(`snapshot:${path}`) });
    const promoted = await fixture.git('commit-tree', grafted, '-p', 'staging', '-m', 'promote');
    await fixture.git('update-ref', 'refs/heads/staging', promoted);
    await fixture.commit('snapshot', { 'packages/gpu': null });
    expect((await register([GPU()])).outputs).toMatchObject({ changed: false, registered: [{ name: 'gpu' }] });
    expect(await fixture.packages('snapshot')).toEqual(['base/1.0.0']);
  });

  it('replaces other content where the policy is always, and only there', async () => {
    await register([GPU()]);
    const first = await fixture.id('snapshot:packages/gpu/1.0.0');
    const other = released('gpu', 'v1.0.0', { sha256: 'cd'.repeat(32) });
    const { outputs } = await register([other]);
    expect(outputs).toMatchObject({ changed: true, plan: { overwritten: [{ name: 'gpu', tree: first }] } });
    expect(await show('gpu/1.0.0/release.json')).toContain('cd'.repeat(32));
    const configuration = fixture.configuration('  distributions: { snapshot: { add: commit, overwrite: never } }');
    await fixture.commit('main', { '.github/slipway.yaml': configuration });
    const head = await fixture.id('snapshot');
    const { runtime, outputs: refused } = await register([GPU()]);
    expect(runtime.failures.join()).toMatch(/already, with the tree \w{40} instead of \w{40}.*raise the version/);
    expect(refused).toMatchObject({ changed: false, registered: [], commit: head });
  });

  it.each([
    ['a package of others', undefined, /has no release.json of a plugin/],
    ['another plugin', `{"plugin":"g-pu","repository":"${RELEASES}"}`, /is of the plugin 'g-pu' of acme\/releases/],
    ['the plugin of another repository', '{"plugin":"gpu","repository":"acme/other"}', /'gpu' of acme\/other/],
    ['a record that is none', 'x', /has no release.json/],
  ])('never replaces %s, nor comes after it', async (_, record, reason) => {
    for (const version of ['1.0.0', '0.9.0']) {
      const own = record === undefined ? {} : { [`packages/gpu/${version}/release.json`]: record };
      const files = { 'packages/gpu': null, ...packageFiles('gpu', version), ...own };
      const head = await fixture.commit('snapshot', files);
      const { runtime, outputs } = await register([GPU()]);
      expect(runtime.failures.join()).toMatch(reason);
      expect(runtime.failures.join()).toMatch(/the plugin 'gpu' of acme\/releases\. Give the plugin another name/);
      expect(outputs).toMatchObject({ changed: false, commit: head, plan: { refused: [{ name: 'gpu' }] } });
    }
    expect(changesSent()).toBe(0);
  });

  it('does not take the name of what a distribution further along holds', async () => {
    await fixture.commit('production', packageFiles('gpu', '0.9.0'));
    const { runtime } = await register([GPU()]);
    expect(runtime.failures.join()).toContain("'gpu' is another package: gpu-0.9.0 has no release.json of a plugin");
    expect(changesSent()).toBe(0);
  });

  it('comes after its own versions, and after a newer one that says it has moved', async () => {
    await fixture.commit('snapshot', { ...packageFiles('gpu', '0.8.0'), ...packageFiles('gpu', '0.9.0') });
    const record = '{"plugin":"gpu","repository":"Acme/Releases"}';
    await fixture.commit('snapshot', { 'packages/gpu/0.9.0/release.json': record });
    expect((await register([GPU()])).outputs).toMatchObject({ changed: true, registered: [{ name: 'gpu' }] });
  });

  it('refuses what a distribution further along would serve before it', async () => {
    await fixture.commit('production', packageFiles('gpu', '1.0.0'));
    const { runtime } = await register([GPU()]);
    expect(runtime.failures.join()).toContain("'production' holds gpu-1.0.0 already");
    expect(changesSent()).toBe(0);
  });

  it('opens a pull request where the policy wants one', async () => {
    const { outputs } = await register([GPU()], { distribution: 'production', 'storage-token': 'sandbox-token' });
    const pull = await fixture.call('GET', `pulls/${outputs['pull-request']}`);
    expect(pull).toMatchObject({ title: '[production] Register packages (gpu-1.0.0)', head: { sha: outputs.commit } });
    const again = await register([GPU()], { distribution: 'production', 'storage-token': 'sandbox-token' });
    expect(again.outputs).toMatchObject({ changed: false, 'pull-request': outputs['pull-request'] });
  });

  it('only says what it would do in a dry run', async () => {
    const { outputs } = await register([GPU()], { 'dry-run': 'true' });
    expect(outputs).toMatchObject({ changed: false, registered: [], plan: { added: [{ name: 'gpu' }] } });
    expect(changesSent()).toBe(0);
  });

  it('loses nothing when several run at the same time', async () => {
    await fixture.commit('snapshot', packageFiles('late', '1.0.0'));
    await Promise.all([register([GPU()]), register([LOG_VIEWER()]), register([GPU()])]);
    const expected = ['base/1.0.0', 'gpu/1.0.0', 'late/1.0.0', 'log_viewer/0.2.0-beta.1'];
    expect(await fixture.packages('snapshot')).toEqual(expected);
  });

  it('takes a lost answer for what it is', async () => {
    fixture.github.failNext({ kind: 'lose-reply', method: 'PATCH', path: /\/git\/refs\// });
    const { outputs } = await register([GPU()]);
    expect(outputs.commit).toBe(await fixture.id('snapshot'));
  });

  it('has a tree that stands for its content', async () => {
    const { outputs } = await register([GPU()], { 'dry-run': 'true' });
    expect(JSON.stringify(outputs.plan)).not.toContain(gitTreeId([]));
    await register([GPU()]);
    expect(JSON.stringify(outputs.plan)).toContain(await fixture.id('snapshot:packages/gpu/1.0.0'));
  });
});

describe('what cannot be registered', () => {
  it.each([
    ['is not uploaded', () => released('gpu', 'v1.0.0', { uri: undefined }), /upload it first/],
    [
      'has an image without digest',
      () => released('gpu', 'v1.0.0', { images: [{ ...GPU().images[0], digest: undefined }] }),
      /has no digest/,
    ],
    ['has another version', () => released('gpu', 'v1.0.1'), /says version 'v1.0.0', but v1.0.1 was released/],
    ['has no YAML', () => released('none', 'v1.0.0'), /has no release-plugins\/none.yaml at/],
    ['has no strict version', () => released('gpu', 'v1.0.0-01'), /'1.0.0-01' is no package version/],
  ])('%s', async (_, given, message) => {
    await expect(async () => register([given()])).rejects.toThrow(message);
    expect(changesSent()).toBe(0);
  });

  it('is named twice, is no list, or goes where nothing may change', async () => {
    await expect(register([GPU(), GPU()])).rejects.toThrow(/has gpu-1.0.0 twice/);
    await expect(async () => register([], { packages: '{}' })).rejects.toThrow(/is not a list of packages/);
    await fixture.commit('experimental', { x: '' }, null);
    await expect(register([GPU()], { distribution: 'experimental' })).rejects.toThrow(/'experimental' is frozen/);
  });

  it('needs a token that reaches the storage', async () => {
    await expect(register([GPU()], { 'storage-token': '' })).rejects.toThrow(/contents/);
  });
});
