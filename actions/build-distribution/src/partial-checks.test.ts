import type { SeedFile } from '@slipway/sandbox/github/seed';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { findBusybox, makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whyNoChecks } from './checks-fixture.ts';
import { BASE, build, commit, dockerfile, IMAGE, packageFiles, registry, setUp, tearDown } from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

const why = whyNoChecks();
const busybox = findBusybox();

/** Builds production with what is committed, and returns what was said. */
async function check(checks = 'changed'): Promise<string> {
  const { result, runtime } = build('production', { checks });
  await result;
  return runtime.lines.join('\n');
}

const put = (files: Record<string, SeedFile>): Promise<string> => commit('production', [], files);

const FIRST = { ...packageFiles('log', '1.0.0'), ...packageFiles('tcp', '1.0.0') };
const SECOND = { ...FIRST, ...packageFiles('udp', '1.0.0') };

function withRun(...commands: string[]): { readonly Dockerfile: string } {
  const lines = commands.map((command) => `RUN ${command}`).join('\n');
  return { Dockerfile: dockerfile('production', []).replace('RUN ./package-registry -dry-run', lines) };
}

/** Milliseconds: each test builds and checks several images with real containers. */
const TIMEOUT = 120_000;

describe.skipIf(why !== undefined)(`checks of what changed${why ?? ''}`, { timeout: TIMEOUT }, () => {
  beforeEach(async () => {
    if (busybox === undefined) return;
    await pushImage(registry.url, BASE, 'v1.0.0', makeRegistryBaseImage({ version: 'v1.0.0', busybox }));
    await put(FIRST);
    expect(await check()).toContain('2 local package manifests loaded');
  });

  it('look at the new layers alone', async () => {
    await put(SECOND);
    const said = await check();
    expect(said).toContain('1 of 3 layers of packages are checked');
    expect(said).toContain(': 1 local package manifests loaded');
    await put(FIRST);
    expect(await check()).toContain('nothing is checked again');
  });

  it('look at everything when asked, and after an image that was not checked', async () => {
    await put(SECOND);
    expect(await check('off')).not.toContain('manifests loaded');
    await put(packageFiles('icmp', '1.0.0'));
    expect(await check()).toContain('4 local package manifests loaded');
    await put(packageFiles('icmp', '2.0.0'));
    expect(await check('all')).toContain('5 local package manifests loaded');
  });

  it('look at everything when base, files or instructions change', async () => {
    await put({ ...FIRST, 'deployment/package-registry.yml': 'package_paths:\n  - /packages/production\n# new\n' });
    expect(await check()).toContain('2 local package manifests loaded');
    await put({ ...FIRST, ...withRun('./package-registry -dry-run', 'test -e /packages') });
    expect(await check()).toContain('2 local package manifests loaded');
    if (busybox === undefined) return;
    await pushImage(registry.url, BASE, 'v1.0.0', makeRegistryBaseImage({ version: 'v1.0.1', busybox }));
    expect(await check()).toContain('2 local package manifests loaded');
  });

  it('look at everything before they fail, for a check may need what is old', async () => {
    const needsAll = withRun('test -e /packages/production/log/1.0.0/manifest.yml');
    await put({ ...FIRST, ...needsAll });
    await check();
    await put({ ...SECOND, ...needsAll });
    const said = await check();
    expect(said).toContain('the checks do not pass on what is new alone, and are run on everything');
  });

  it('refuse a new package that does not pass', async () => {
    const refusing = withRun('test ! -e /packages/production/udp/1.0.0/LICENSE');
    await put({ ...FIRST, ...refusing });
    await check();
    const head = await put({ ...SECOND, ...refusing });
    await expect(check()).rejects.toThrow(/Dockerfile:\d+: RUN test .* failed with the exit code 1/);
    expect(await registry.state.tags(IMAGE)).not.toContain(head);
    // What did not pass does not count as checked afterwards.
    await expect(check()).rejects.toThrow(/failed with the exit code 1/);
  });

  it('find the directories of distributions whose layers are all old', async () => {
    await commit('staging', ['production'], packageFiles('udp', '1.0.0'));
    const staging = async (): Promise<string> => {
      const { result, runtime } = build('staging', { checks: 'changed' });
      await result;
      return runtime.lines.join('\n');
    };
    expect(await staging()).toContain('3 local package manifests loaded');
    const looking = dockerfile('staging', ['production']).replace(
      'RUN ./package-registry -dry-run',
      'RUN ./package-registry -dry-run && test -d /packages/production',
    );
    await commit('staging', ['production'], { ...packageFiles('udp', '1.0.0'), Dockerfile: looking });
    expect(await staging()).toContain('3 local package manifests loaded');
    await commit('staging', ['production'], {
      ...packageFiles('icmp', '1.0.0'),
      ...packageFiles('udp', '1.0.0'),
      Dockerfile: looking,
    });
    const said = await staging();
    expect(said).not.toContain('run on everything');
    expect(said).toMatch(/: [12] local package manifests loaded/);
  });
});
