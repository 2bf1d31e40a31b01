import { describe, expect, it } from 'vitest';
import { comparePackageVersions, isPackageName, isStrictVersion, splitPackageVersion } from './package-version.ts';

describe('a strict semantic version', () => {
  it.each(['0.0.1', '1.2.3', '10.20.30', '1.0.0-beta.1', '1.0.0-x-y-z.4', '1.0.0+build.5', '1.0.0-rc.1+build'])(
    'is %s',
    (text) => expect(isStrictVersion(text)).toBe(true),
  );

  it.each([
    'v1.2.3',
    '1.2',
    '1.2.3.4',
    '01.2.3',
    '1.0.0-01',
    '1.0.0-',
    ' 1.2.3',
    '1.2.3\n',
    '=1.2.3',
    '',
    '99999999999999999999.0.0',
  ])('is not %j', (text) => expect(isStrictVersion(text)).toBe(false));
});

it.each([
  ['foo', true],
  ['http_endpoint', true],
  ['a', true],
  ['0day-log', true],
  ['Foo', false],
  ['_foo', false],
  ['foo-', false],
  ['foo.bar', false],
  ['../x', false],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
])('says of %s whether it names a package', (text, expected) => expect(isPackageName(text)).toBe(expected));

describe('splitting', () => {
  it.each([
    ['foo-1.2.3', [['foo', '1.2.3']]],
    ['log-viewer-2.0.0', [['log-viewer', '2.0.0']]],
    ['foo-1.2.3-beta.1', [['foo', '1.2.3-beta.1']]],
    [
      'foo-1.0.0-2.0.0',
      [
        ['foo-1.0.0', '2.0.0'],
        ['foo', '1.0.0-2.0.0'],
      ],
    ],
    [
      'foo-1.0.0-rc-1.2.3',
      [
        ['foo-1.0.0-rc', '1.2.3'],
        ['foo', '1.0.0-rc-1.2.3'],
      ],
    ],
    ['foo', []],
    ['foo-v1.2.3', []],
    ['-1.2.3', []],
  ])('%s', (text, expected) => {
    expect(splitPackageVersion(text).map(({ name, version }) => [name, version])).toEqual(expected);
  });
});

it('sorts by name and by precedence', () => {
  const versions = ['2.0.0', '1.10.0', '1.9.0', '1.10.0-beta.2', '1.10.0-beta.10', '1.9.0+b', '1.9.0+a'];
  const all = [{ name: 'b', version: '0.1.0' }, ...versions.map((version) => ({ name: 'a', version }))];
  expect(all.sort(comparePackageVersions).map(({ name, version }) => `${name} ${version}`)).toEqual([
    'a 1.9.0',
    'a 1.9.0+a',
    'a 1.9.0+b',
    'a 1.10.0-beta.2',
    'a 1.10.0-beta.10',
    'a 1.10.0',
    'a 2.0.0',
    'b 0.1.0',
  ]);
});
