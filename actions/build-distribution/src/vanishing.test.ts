import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  build,
  commit,
  dockerfile,
  IMAGE,
  packageFiles,
  registry,
  served,
  setUp,
  tearDown,
  writeConfiguration,
} from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

/** Takes a version off a branch. */
const without = (name: string, version: string) => ({ [`packages/${name}/${version}`]: null });

/** Builds production with log, then staging with tcp and udp. */
async function buildBoth(): Promise<void> {
  await commit('production', [], packageFiles('log', '1.0.0'));
  await build('production').result;
  await commit('staging', ['production'], { ...packageFiles('tcp', '1.0.0'), ...packageFiles('udp', '1.0.0') });
  await build('staging').result;
}

describe('nothing vanishes', () => {
  it('when the Dockerfile copies an upstream no more', async () => {
    await buildBoth();
    const before = await registry.state.manifest(IMAGE, 'staging');
    const head = await commit('staging', [], {});
    await expect(build('staging').result).rejects.toThrow(
      /Dockerfile:2: 'production' is configured as an upstream of 'staging', but its packages are not copied/,
    );
    expect(await registry.state.manifest(IMAGE, 'staging')).toEqual(before);
    expect(await registry.state.tags(IMAGE)).not.toContain(head);
  });

  it('when it was promoted, and the image of the upstream does not hold it yet', async () => {
    await buildBoth();
    const promoted = await commit('production', [], packageFiles('tcp', '1.0.0'));
    const head = await commit('staging', ['production'], without('tcp', '1.0.0'));
    await expect(build('staging').result).rejects.toThrow(
      new RegExp(`tcp-1\\.0\\.0: served now by .*:staging, on the branch 'production' at ${promoted}`),
    );
    await expect(build('staging', { 'dry-run': 'true' }).result).rejects.toThrow(/Build 'production' first/);
    expect(await registry.state.tags(IMAGE)).not.toContain(head);
    expect(await served('staging')).toContain('tcp-1.0.0');

    await build('production').result;
    expect(await build('staging').result).toMatchObject({ result: 'built', packages: 3 });
    expect(await served('staging')).toEqual(['log-1.0.0', 'tcp-1.0.0', 'udp-1.0.0']);
  });

  it('when it stands in an upstream that was built, and FROM names an image of before', async () => {
    const old = await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    await commit('production', [], packageFiles('tcp', '1.0.0'));
    await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    await build('staging').result;
    await build('production').result;
    await commit('staging', ['production'], {
      ...without('tcp', '1.0.0'),
      ...packageFiles('udp', '1.0.0'),
      Dockerfile: dockerfile('staging', ['production']).replace(':production AS', `:${old} AS`),
    });
    await expect(build('staging').result).rejects.toThrow(/tcp-1\.0\.0: served now/);
  });

  it('but what was removed on purpose', async () => {
    await buildBoth();
    await commit('staging', ['production'], without('tcp', '1.0.0'));
    expect(await build('staging').result).toMatchObject({ result: 'built', packages: 2 });
  });

  it('and a build that comes too late is superseded, for it takes nothing away', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    const old = await commit('staging', ['production'], packageFiles('udp', '1.0.0'));
    await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    await build('staging').result;
    await commit('production', [], packageFiles('tcp', '1.0.0'));
    expect((await build('staging', { commit: old }).result).result).toBe('superseded');
  });
});

describe('a tag', () => {
  it('is not taken from another distribution', async () => {
    await writeConfiguration('    production: { tag: live }\n    staging: {}');
    await commit('production', [], packageFiles('log', '1.0.0'));
    const production = await build('production').result;
    await writeConfiguration('    production: {}\n    staging: { tag: live }');
    const head = await commit('staging', [], packageFiles('tcp', '1.0.0'));
    await expect(build('staging').result).rejects.toThrow(
      /The tag of 'staging' shows an image of the distribution 'production'/,
    );
    expect(await registry.state.manifest(IMAGE, 'live')).toMatchObject({ digest: production.digest });
    expect(await registry.state.tags(IMAGE)).not.toContain(head);
  });
});
