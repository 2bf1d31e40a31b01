import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gitText, runGit } from '@slipway/sandbox/github/git/git-command';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { beforeEach, describe, expect, it } from 'vitest';
import { planPreview, planRollBack } from '../scripts/release/publish.ts';
import { Remote } from '../scripts/release/remote.ts';
import { parseVersion } from '../scripts/release/version.ts';
import { filesOf, makePlace, plan, type ReleasePlace, release } from './release-place.ts';

let place: ReleasePlace;
let first: string;

beforeEach(async () => {
  place = await makePlace();
  first = await place.commit('first');
});

const show = (commit: string, format: string): Promise<string> =>
  gitText(place.origin, ['show', '--no-patch', `--format=${format}`, commit]);

async function rollBack(version: string): Promise<string> {
  const git = await place.clone();
  const remote = new Remote(git, place.origin);
  const { what, updates } = await planRollBack({ git, remote }, parseVersion(version));
  if (updates.length > 0) await remote.push(updates);
  return what;
}

describe('two releases in a row', () => {
  it('move the branch forward and the tag v1, and leave the first release where it is', async () => {
    const one = await release(place, '1.0.0');
    expect(await place.refs()).toEqual({
      'refs/heads/main': first,
      'refs/heads/release/v1': one,
      'refs/tags/v1': one,
      'refs/tags/v1.0.0': one,
    });
    expect(await show(one, '%P|%s|%(trailers:key=Source-Commit,valueonly)')).toBe(`${first}|Release v1.0.0|${first}\n`);

    const second = await place.commit('second');
    const two = await release(place, 'v1.1.0');
    expect(await place.refs()).toEqual({
      'refs/heads/main': second,
      'refs/heads/release/v1': two,
      'refs/tags/v1': two,
      'refs/tags/v1.0.0': one,
      'refs/tags/v1.1.0': two,
    });
    expect(await show(two, '%P')).toBe(`${one} ${second}`);
    const listed = await gitText(place.origin, ['ls-tree', '-r', '--format=%(objectmode) %(path)', 'v1']);
    expect(listed.split('\n')).toEqual([...filesOf('').keys()].sort().map((path) => `100644 ${path}`));
    expect(await gitText(place.origin, ['cat-file', 'blob', 'v1:greet/dist/index.js'])).toBe('console.log("v1.1.0");');
  });

  it('are the same commits, whoever assembles them', async () => {
    const [one, other] = [await place.clone(), await place.clone()];
    const shuffled = new Map([...filesOf('x')].reverse());
    const planned = await plan(place, one, '1.0.0', filesOf('x'));
    expect(await plan(place, other, '1.0.0', shuffled)).toEqual(planned);
    expect(planned.tree).toMatch(/^[0-9a-f]{40}$/);
    expect(await plan(place, one, '1.0.0', filesOf('y'))).not.toMatchObject({ tree: planned.tree });
  });

  it('keep lines of releases apart', async () => {
    await release(place, '1.0.0');
    const fix = await place.commit('fix');
    const breaking = await place.commit('breaking');
    const two = await release(place, '2.0.0');
    await expect(release(place, '1.0.1')).rejects.toThrow(
      `${breaking} holds ${breaking}, from which v2.0.0 was made: it is no v1.0.1.`,
    );
    const later = await place.commit('later');
    await release(place, '2.1.0');
    await expect(release(place, '1.0.1')).rejects.toThrow(`${later} holds ${breaking}, from which v2.0.0 was made`);
    const git = await place.clone();
    const { updates, commit: patch } = await plan(place, git, '1.0.1', filesOf('x'), fix);
    await new Remote(git, place.origin).push(updates);
    expect(await place.refs()).toMatchObject({
      'refs/heads/release/v1': patch,
      'refs/tags/v1': patch,
      'refs/tags/v2.0.0': two,
    });
  });
});

describe('a release that is not the next one', () => {
  it('is nothing to do when it is made already, and refused when it has other content', async () => {
    await release(place, '1.0.0', 'x');
    const before = await place.refs();
    const git = await place.clone();
    expect(await plan(place, git, '1.0.0', filesOf('x'))).toMatchObject({
      what: 'v1.0.0 is released already',
      updates: [],
    });
    await expect(plan(place, git, '1.0.0', filesOf('y'))).rejects.toThrow(/released already, with other content/);
    await place.commit('second');
    await expect(plan(place, await place.clone(), '1.0.0', filesOf('x'))).rejects.toThrow(/take the next version/);
    expect(await place.refs()).toMatchObject({ ...before, 'refs/heads/main': expect.any(String) });
  });

  it.each(['1.1.9', '1.2.0-rc.1', '1.2', '01.2.0', 'v1'])('is refused as %s', async (version) => {
    await release(place, '1.2.0');
    await expect(plan(place, await place.clone(), version, filesOf('x'))).rejects.toThrow(
      /does not come after v1\.2\.0|is no version/,
    );
  });

  it('is refused for sources that are not merged, or that lack those of the last release', async () => {
    const second = await place.commit('second');
    await release(place, '1.0.0');
    const git = await place.clone();
    await expect(plan(place, git, '1.1.0', filesOf('x'), first)).rejects.toThrow(`${first} lacks ${second}`);
    const unmerged = await commitFiles(git, 'main', { 'source.txt': 'mine' }, { message: 'mine' });
    await expect(plan(place, git, '1.1.0', filesOf('x'), unmerged)).rejects.toThrow(/only what is merged is released/);
  });

  it('is refused where somebody has pushed to the branch by hand', async () => {
    await release(place, '1.0.0');
    await runGit(place.origin, ['update-ref', 'refs/heads/release/v1', first]);
    await expect(plan(place, await place.clone(), '1.1.0', filesOf('x'))).rejects.toThrow(
      /by hand; put it right first/,
    );
  });
});

describe('a concurrent release', () => {
  it('fails and changes nothing', async () => {
    await release(place, '1.0.0');
    const [one, other] = [await place.clone(), await place.clone()];
    const slow = await plan(place, one, '1.1.0', filesOf('slow'));
    const fast = await plan(place, other, '1.2.0', filesOf('fast'));
    await new Remote(other, place.origin).push(fast.updates);
    const before = await place.refs();
    await expect(new Remote(one, place.origin).push(slow.updates)).rejects.toThrow(/Nothing was pushed/);
    expect(await place.refs()).toEqual(before);
  });

  it('fails when only the tag v1 has moved meanwhile', async () => {
    await release(place, '1.0.0');
    await place.commit('second');
    await release(place, '1.1.0');
    const git = await place.clone();
    const planned = await plan(place, git, '1.2.0', filesOf('x'));
    await rollBack('1.0.0');
    const before = await place.refs();
    await expect(new Remote(git, place.origin).push(planned.updates)).rejects.toThrow(
      /Nothing was pushed.*stale info/s,
    );
    expect(await place.refs()).toEqual(before);
  });

  it('makes no tag anew that somebody has made meanwhile', async () => {
    const git = await place.clone();
    const planned = await plan(place, git, '1.0.0', filesOf('x'));
    await runGit(place.origin, ['update-ref', 'refs/tags/v1.0.0', first]);
    await expect(new Remote(git, place.origin).push(planned.updates)).rejects.toThrow(/Nothing was pushed/);
    expect(await place.refs()).toEqual({ 'refs/heads/main': first, 'refs/tags/v1.0.0': first });
  });
});

describe('a release that the server refuses in part', () => {
  it.each(['refs/heads/release/v1', 'refs/tags/v1', 'refs/tags/v1.1.0'])('pushes nothing without %s', async (ref) => {
    await release(place, '1.0.0');
    const before = await place.refs();
    const hook = join(place.origin, 'hooks/update');
    await writeFile(hook, `#!/bin/sh\ntest "$1" != ${ref}\n`);
    await chmod(hook, 0o755);
    await expect(release(place, '1.1.0')).rejects.toThrow(/Nothing was pushed/);
    expect(await place.refs()).toEqual(before);
    await writeFile(hook, '#!/bin/sh\n');
    await release(place, '1.1.0');
    expect(await place.refs()).not.toEqual(before);
  });
});

describe('a roll back', () => {
  it('moves the tag v1 and nothing else, and the next release goes on from the newest', async () => {
    const one = await release(place, '1.0.0');
    await place.commit('second');
    const two = await release(place, '1.1.0');
    const before = await place.refs();
    expect(await rollBack('1.0.0')).toBe('v1 back at v1.0.0');
    expect(await place.refs()).toEqual({ ...before, 'refs/tags/v1': one });
    expect(await rollBack('1.0.0')).toBe('v1 is at v1.0.0');
    const third = await place.commit('third');
    const three = await release(place, '1.1.1');
    expect(await show(three, '%P')).toBe(`${two} ${third}`);
    expect((await place.refs())['refs/tags/v1']).toBe(three);
  });

  it('is refused to what was never released', async () => {
    await release(place, '1.0.0');
    await expect(rollBack('1.0.1')).rejects.toThrow('v1.0.1 was never released. There are: v1.0.0.');
  });
});

describe('a preview', () => {
  it('is a branch of its own that follows the pull request, and goes', async () => {
    await release(place, '1.0.0');
    const before = await place.refs();
    const git = await place.clone();
    const remote = new Remote(git, place.origin);
    const preview = async (source: string | undefined, text = ''): Promise<string> => {
      const assembled = source === undefined ? undefined : { source, files: filesOf(text) };
      const { updates, commit = '' } = await planPreview({ git, remote, pullRequest: 12, assembled });
      if (updates.length > 0) await remote.push(updates);
      return commit;
    };
    const head = await commitFiles(place.origin, 'feature', { 'source.txt': 'x' }, { message: 'x', parent: first });
    const one = await preview(head, 'one');
    const ours = { ...before, 'refs/heads/feature': head };
    expect(await place.refs()).toEqual({ ...ours, 'refs/heads/preview/pr-12': one });
    expect(await show(one, '%P')).toBe(head);
    const two = await preview(head, 'two');
    expect(await preview(head, 'two')).toBe(two);
    expect(await place.refs()).toEqual({ ...ours, 'refs/heads/preview/pr-12': two });
    await preview(undefined);
    await preview(undefined);
    expect(await place.refs()).toEqual(ours);
  });
});

describe('a token', () => {
  it('is sent to nothing that is not encrypted', () => {
    expect(() => new Remote(place.origin, 'http://github.example/org/actions', 'secret')).toThrow(/https:\/\/ only/);
    expect(() => new Remote(place.origin, place.origin, 'secret')).toThrow(/https:\/\/ only/);
  });
});
