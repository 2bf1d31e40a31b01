import { describe, expect, it } from 'vitest';
import { resolveStorage } from '../configuration/storage.ts';
import { checkRegistryVersion, findDrift, findRegistryModule, isSameVersion } from './registry-version.ts';

const COMMIT = '02ca71731cdc092db213cd4c9069db43b74ac01b';

describe('go.mod', () => {
  it.each([
    ['module x\n\nrequire (\n\tgithub.com/acme/package-registry v1.15.0\n)\n', 'v1.15.0'],
    [
      'module x\nrequire github.com/acme/package-registry v0.0.0-20200701-02ca71731cdc // indirect\n',
      'v0.0.0-20200701-02ca71731cdc',
    ],
  ])('%j requires %s', (source, version) => {
    expect(findRegistryModule(source, 'host/a/package-registry')).toEqual({
      path: 'github.com/acme/package-registry',
      version,
    });
    expect(findRegistryModule(source, 'host/a/package.registry')).toBeUndefined();
  });
});

describe('versions', () => {
  it.each([
    ['v1.15.0', '1.15.0', true],
    ['v1.15.0', 'v1.15.1', false],
    [COMMIT, 'v0.0.0-20200701120000-02ca71731cdc', true],
    [COMMIT, 'v0.6.1-0.20200701120000-02ca71731cdc', true],
    [COMMIT, 'v0.0.0-20200701120000-02ca71731cdd', false],
    ['v1.15.0', COMMIT, false],
  ])('%s and %s: %s', (one, other, same) => {
    expect(isSameVersion(one, other)).toBe(same);
    expect(isSameVersion(other, one)).toBe(same);
  });

  const [production, , snapshot] = resolveStorage({}, 'test').distributions;

  it.each([
    ['v1.15.0', true, true],
    ['1.15.0', true, true],
    ['v1.15.0-rc.1', false, true],
    [COMMIT, false, true],
    ['latest', false, false],
    ['main', false, false],
    [COMMIT.slice(0, 7), false, false],
    ['v1.15', false, false],
  ])('%s: stable %s, fixed %s', (version, stable, fixed) => {
    for (const [distribution, allowed] of [
      [production, stable],
      [snapshot, fixed],
    ] as const) {
      if (distribution === undefined) throw new Error('the defaults have it');
      const check = () => checkRegistryVersion(version, distribution);
      if (allowed) expect(check).not.toThrow();
      else expect(check).toThrow(version);
    }
  });
});

describe('drift', () => {
  const branch = (distribution: string, ...values: string[]) => {
    const places = ['ARG', 'FROM', 'LABEL', 'go.mod'] as const;
    return { distribution, versions: places.flatMap((place, n) => (values[n] ? [{ place, value: values[n] }] : [])) };
  };

  it('is where a branch disagrees with itself', () => {
    expect(findDrift([branch('a', 'v1.0.0', 'v1.0.0', 'v0.21.0', 'v1.2.0'), branch('b', 'v1.0.0')])).toEqual([
      { distribution: 'a', place: 'LABEL', value: 'v0.21.0' },
      { distribution: 'a', place: 'go.mod', value: 'v1.2.0' },
    ]);
  });

  it('is where branches disagree with each other', () => {
    expect(findDrift([branch('a', 'v1.0.0', 'v1.0.0'), branch('b', 'v1.1.0')])).toEqual([
      { distribution: 'a', place: 'ARG', value: 'v1.0.0' },
      { distribution: 'b', place: 'ARG', value: 'v1.1.0' },
    ]);
    expect(findDrift([branch('a', 'v1.0.0'), branch('b', 'v1.0.0', '1.0.0'), branch('c')])).toEqual([]);
  });
});
