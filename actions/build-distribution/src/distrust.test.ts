import { execFileSync } from 'node:child_process';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { makeFileLayer } from '@slipway/sandbox/images/file-layer';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { composeImage } from '@slipway/sandbox/images/sample-image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BASE,
  bare,
  build,
  commit,
  configOf,
  digestOf,
  dockerfile,
  lose,
  packageFiles,
  registry,
  served,
  setUp,
  tearDown,
} from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

/** Builds with another line before the packages are copied. */
async function buildWith(line: string, files: Parameters<typeof commit>[2] = {}) {
  const Dockerfile = dockerfile('production', []).replace('COPY packages', `${line}\nCOPY packages`);
  await commit('production', [], { ...packageFiles('log', '1.0.0'), Dockerfile, ...files });
  return build('production').result;
}

describe('what would be among the packages, and in no layer of theirs', () => {
  it.each([
    'COPY more /packages/production',
    'COPY more/file /packages/production/log/1.0.0/file',
    'COPY more /packages/production/tcp/1.0.0/',
  ])('is refused: %s', async (line) => {
    await expect(buildWith(line, { 'more/file': 'x' })).rejects.toThrow(
      /Dockerfile:6: \/packages\/production\/.* would be among the packages that line 7 copies/,
    );
  });

  it('is refused in the base image', async () => {
    const layer = makeFileLayer({ 'packages/production/tcp/1.0.0/manifest.yml': 'name: tcp\n' });
    const base = composeImage([layer], { architecture: 'amd64', os: 'linux', mediaTypes: 'oci' });
    await pushImage(registry.url, BASE, 'v1.0.0', base);
    await expect(buildWith('ENV A=b')).rejects.toThrow(/the base image has \/packages\/production\/tcp/);
  });
});

describe('a Dockerfile', () => {
  it('has no say in our labels', async () => {
    await buildWith('LABEL dev.slipway.checked=yes dev.slipway.builder=buildah mine=1');
    const { Labels } = (await configOf('production')).config;
    expect(Labels).toMatchObject({ mine: '1' });
    expect(Object.keys(Labels)).not.toContain('dev.slipway.checked');
    expect(Object.keys(Labels)).not.toContain('dev.slipway.builder');
  });

  it('is a file', async () => {
    await commit('production', [], { Dockerfile: { symlink: 'elsewhere' } });
    await expect(build('production').result).rejects.toThrow('Dockerfile is a symlink. Commit the file itself.');
  });
});

describe('a branch that was written anew', () => {
  it('is not built for nothing: the run says what to do', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const { digest } = await build('production').result;
    const files = {
      Dockerfile: dockerfile('production', []),
      'deployment/package-registry.yml': 'package_paths:\n  - /packages/production\n',
      ...packageFiles('tcp', '1.0.0'),
    };
    await commitFiles(bare, 'production', files, { message: 'Anew', parent: null });
    await expect(build('production').result).rejects.toMatchObject({ code: 'diverged-tag' });
    expect(await digestOf('production')).toBe(digest);
  });
});

describe('a tag of git', () => {
  it('moves no tag of a distribution, where the image has still to be built', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const { digest } = await build('production').result;
    const head = await commit('production', [], packageFiles('log', '2.0.0'));
    execFileSync('git', ['-C', bare, 'tag', '7.9.0', head]);
    const outputs = await build('', { tag: '7.9.0' }).result;
    expect(outputs).toMatchObject({ result: 'built', commit: head, packages: 2 });
    expect([await digestOf('7.9.0'), await digestOf('production')]).toEqual([outputs.digest, digest]);
    expect(await build('production').result).toMatchObject({ result: 'built', digest: outputs.digest });
  });

  it('names no image that has lost a layer', async () => {
    const head = await commit('production', [], packageFiles('log', '1.0.0'));
    const first = await build('production').result;
    execFileSync('git', ['-C', bare, 'tag', '7.9.0', head]);
    await lose(first.plan.layers.find(({ label }) => label.startsWith('production:'))?.digest ?? '');
    expect(await build('', { tag: '7.9.0' }).result).toMatchObject({ result: 'built', digest: first.digest });
    expect(await served('7.9.0')).toEqual(['log-1.0.0']);
  });
});
