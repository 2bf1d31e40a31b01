import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bare,
  build,
  commit,
  configOf,
  digestOf,
  IMAGE,
  manifestOf,
  packageFiles,
  pushes,
  served,
  setUp,
  tearDown,
} from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

/** Tags a commit, with an object of its own when there is a message. */
function tag(name: string, commitId: string, message?: string): void {
  const env = { ...process.env, GIT_COMMITTER_NAME: 'ada', GIT_COMMITTER_EMAIL: 'ada@example.com' };
  const annotation = message === undefined ? [] : ['-a', '-m', message];
  execFileSync('git', ['-C', bare, 'tag', '--force', ...annotation, name, commitId], { env });
}

describe('a tag of git', () => {
  it('names the image of its commit, which is not built again', async () => {
    const first = await commit('production', [], packageFiles('log', '1.0.0'));
    const built = await build('production').result;
    await commit('production', [], packageFiles('log', '2.0.0'));
    await build('production').result;
    tag('7.9.0', first);
    const before = pushes();

    const planned = await build('', { tag: '7.9.0', 'dry-run': 'true' }).result;
    expect([planned.changed, planned.digest, pushes()]).toEqual([false, built.digest, before]);

    const outputs = await build('', { tag: '7.9.0' }).result;
    expect(outputs).toMatchObject({
      result: 'unchanged',
      changed: true,
      commit: first,
      digest: built.digest,
      image: `images.example.com/${IMAGE}:7.9.0`,
      packages: 1,
    });
    expect(pushes()).toBe(before + 1);
    expect(await served('7.9.0')).toEqual(['log-1.0.0']);
    expect(await digestOf('production')).not.toBe(built.digest);

    expect(await build('', { tag: '7.9.0' }).result).toMatchObject({ changed: false, digest: built.digest });
    expect(pushes()).toBe(before + 1);
  });

  it('with a message of its own points to the same commit', async () => {
    const head = await commit('production', [], packageFiles('log', '1.0.0'));
    const { digest } = await build('production').result;
    tag('7.9.1', head, 'Seven, nine, one');
    expect(await build('production', { tag: '7.9.1' }).result).toMatchObject({ commit: head, digest });
  });

  it('lets the image be built where there is none', async () => {
    const old = await commit('production', [], packageFiles('log', '1.0.0'));
    await commit('production', [], packageFiles('log', '2.0.0'));
    await build('production').result;
    tag('7.8.0', old);
    const outputs = await build('production', { tag: '7.8.0' }).result;
    expect(outputs).toMatchObject({ result: 'superseded', commit: old });
    expect(await digestOf('7.8.0')).toBe(outputs.digest);
    expect((await configOf('7.8.0')).config.Labels['org.opencontainers.image.revision']).toBe(old);
  });

  it('names what the distribution runs, where its image was built again for the same commit', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    const head = await commit('staging', ['production'], packageFiles('tcp', '1.0.0'));
    await build('staging').result;
    await commit('production', [], packageFiles('log', '2.0.0'));
    await build('production').result;
    const again = await build('staging').result;
    tag('7.9.0', head);
    expect((await build('', { tag: '7.9.0' }).result).digest).toBe(again.digest);
    expect(await digestOf(head)).not.toBe(again.digest);
    expect((await served('7.9.0')).sort()).toEqual(['log-1.0.0', 'log-2.0.0', 'tcp-1.0.0']);
  });

  it('is never moved', async () => {
    const first = await commit('production', [], packageFiles('log', '1.0.0'));
    const { digest } = await build('production').result;
    tag('7.9.0', first);
    await build('', { tag: '7.9.0' }).result;
    const second = await commit('production', [], packageFiles('log', '2.0.0'));
    tag('7.9.0', second);
    const before = pushes();
    await expect(build('', { tag: '7.9.0' }).result).rejects.toThrow(
      new RegExp(`7\\.9\\.0 shows ${digest}, which is of 'production' at ${first}, and the tag points to ${second}`),
    );
    expect([pushes(), await digestOf('7.9.0')]).toEqual([before, digest]);
  });

  it('is of a commit that was merged, to one branch', async () => {
    const head = await commit('production', [], packageFiles('log', '1.0.0'));
    execFileSync('git', ['-C', bare, 'branch', 'staging', head]);
    tag('7.9.0', head);
    await expect(build('', { tag: '7.9.0' }).result).rejects.toThrow(/on the branches production, staging\. Say/);
    tag('8.0.0', await commit('elsewhere', [], packageFiles('tcp', '1.0.0')));
    await expect(build('', { tag: '8.0.0' }).result).rejects.toThrow(/on no branch of a distribution/);
    await expect(build('production', { tag: '8.0.0' }).result).rejects.toThrow(/is not on the branch 'production'/);
  });

  it('must be one that an image can have, and that git knows', async () => {
    const head = await commit('production', [], packageFiles('log', '1.0.0'));
    const outputs = (given: Record<string, string>) => build('', given).result;
    await expect(outputs({ tag: 'snapshot' })).rejects.toThrow(/the moving tag of the distribution 'snapshot'/);
    await expect(outputs({ tag: head })).rejects.toThrow(/looks like the tag of a commit/);
    await expect(outputs({ tag: 'release/7.9.0' })).rejects.toThrow(/letters, digits/);
    await expect(outputs({ tag: '7.9.0' })).rejects.toThrow(/has no tag '7\.9\.0'\. Push it first/);
    tag('7.9.0', head);
    await expect(outputs({ tag: '7.9.0', commit: 'b'.repeat(40) })).rejects.toThrow(/points to .* now, and not to/);
    await expect(outputs({})).rejects.toThrow(/'distribution' is required/);
    expect(await manifestOf('7.9.0')).toBeNull();
  });
});
