import { describe, expect, it } from 'vitest';
import type { Package } from '../archive/package.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { decideRelease } from './release-decision.ts';
import type { ReleaseRecord } from './release-record.ts';

const COMMANDED = { overwrite: false, isResumed: false };
const RESUMED = { overwrite: false, isResumed: true };
const OVERWRITE = { overwrite: true, isResumed: false };

const [ONE, TWO] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];

function plugin(name: string, digest = ONE, tag = 'v1.0.0'): Plugin {
  const image = { source: `a.example/${name}:${tag}`, target: `b.example/${name}:${tag}`, name, digest };
  const commit = 'c'.repeat(40);
  return { plugin: name, version: 'v1.0.0', file: `p/${name}.yaml`, commit, blob: 'b'.repeat(40), images: [image] };
}

/** A plugin with a second image. */
function withImage(name: string, other: string, digest = ONE): Plugin {
  const one = plugin(name, digest);
  return { ...one, images: [...one.images, ...plugin(other).images] };
}

function packageOf({ plugin: name, version, commit, images }: Plugin): Package {
  return { plugin: name, version, file: 'x.tar.gz', sha256: 'a'.repeat(64), size: 1, commit, images };
}

function record(
  state: ReleaseRecord['state'],
  plugins: readonly Plugin[],
  more: Partial<ReleaseRecord> = {},
): ReleaseRecord {
  const packages = state === 'done' ? plugins.map(packageOf) : [];
  const who = { pullRequest: 1, commit: 'c'.repeat(40), by: 'ada', approvedBy: ['lin'], at: '' };
  return { version: 1, state, ...who, plugins, packages, ...more };
}

describe('decideRelease', () => {
  it('binds what is there when nothing was bound', () => {
    const plugins = [plugin('a')];
    expect(decideRelease(undefined, plugins, COMMANDED)).toEqual({ kind: 'release', plugins, packages: [] });
  });

  it.each(['intent', 'failed'] as const)(
    'goes on with a release whose state is %s, and keeps its packages',
    (state) => {
      const plugins = [plugin('a'), plugin('b')];
      const last = record(state, plugins, { packages: [packageOf(plugin('a'))] });
      expect(decideRelease(last, plugins, COMMANDED)).toEqual({ kind: 'release', plugins, packages: last.packages });
      const moved = decideRelease(last, [plugin('a'), plugin('b', TWO)], COMMANDED);
      expect(moved).toEqual({ kind: 'refused', missing: [expect.stringMatching(/1{64}.*2{64}.*need-queue/)] });
    },
  );

  it('binds anew what was withdrawn, what is of other images, and what is overwritten', () => {
    const now = [plugin('a', TWO)];
    const withdrawn = record('failed', [plugin('a')], { withdrawnBy: 'ada' });
    expect(decideRelease(withdrawn, now, COMMANDED)).toMatchObject({ kind: 'release', plugins: now });
    const other = [plugin('a', TWO, 'v1.0.0-2')];
    expect(decideRelease(record('intent', [plugin('a')]), other, COMMANDED)).toMatchObject({ plugins: other });
    const done = record('done', [plugin('a')]);
    expect(decideRelease(done, now, OVERWRITE)).toEqual({ kind: 'release', plugins: now, packages: [] });
  });

  it('releases nothing twice, and nothing else under the same name', () => {
    const last = record('done', [plugin('a'), plugin('b')]);
    expect(decideRelease(last, last.plugins, COMMANDED)).toEqual({ kind: 'released', record: last });
    expect(decideRelease(last, [plugin('a', TWO)], COMMANDED)).toMatchObject({
      kind: 'refused',
      missing: [expect.stringContaining('bump the version')],
    });
    for (const other of [[plugin('a')], [plugin('c')], [plugin('a'), withImage('b', 'b-web')]]) {
      const refused = { kind: 'refused', missing: [expect.stringContaining('A release is immutable')] };
      expect(decideRelease(last, other, COMMANDED)).toEqual(refused);
    }
  });

  it('refuses a tag that has moved, whatever is listed beside it', () => {
    const last = record('intent', [plugin('a')]);
    for (const order of [COMMANDED, RESUMED]) {
      expect(decideRelease(last, [withImage('a', 'a-web', TWO)], order)).toEqual({
        kind: 'refused',
        missing: [expect.stringMatching(/1{64}.*2{64}.*need-queue/)],
      });
    }
  });

  it('takes another list from who commands, and from nothing that only goes on', () => {
    const last = record('intent', [withImage('a', 'a-web')]);
    expect(decideRelease(last, [plugin('a')], COMMANDED)).toMatchObject({ kind: 'release', plugins: [plugin('a')] });
    expect(decideRelease(last, [plugin('a')], RESUMED)).toEqual({
      kind: 'refused',
      missing: [expect.stringMatching(/a-web:v1.0.0 is gone.*comment \/queue working-image-pushed/)],
    });
    expect(decideRelease(last, last.plugins, RESUMED)).toMatchObject({ kind: 'release' });
  });
});
