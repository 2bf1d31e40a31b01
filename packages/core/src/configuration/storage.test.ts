import { describe, expect, it } from 'vitest';
import { parseConfiguration } from './configuration.ts';
import { downstreamOf, findDistribution } from './storage.ts';

function storageOf(yaml: string) {
  return parseConfiguration(`storage:\n${yaml}`).storage;
}

describe('the storage settings', () => {
  it('know the distributions of the package storage when the file names none', () => {
    const { storage } = parseConfiguration(undefined);
    expect(storage.distributions.map(({ name }) => name)).toEqual([
      'production',
      'staging',
      'snapshot',
      'experimental',
    ]);
    expect(findDistribution(storage, 'production')).toMatchObject({
      removal: 'never',
      overwrite: 'never',
      cache: 600_000,
    });
    expect(findDistribution(storage, 'staging')).toMatchObject({ removal: 'promoted', tag: 'staging', layers: 4 });
    expect(findDistribution(storage, 'experimental').frozen).toBe(true);
  });

  it('take the file for the whole when it names any', () => {
    const storage = storageOf(
      '  distributions: { beta: { upstream: [stable] }, stable: { tag: stable-old, cache: 2h } }\n',
    );
    expect(storage.distributions.map(({ name }) => name)).toEqual(['beta', 'stable']);
    expect(findDistribution(storage, 'stable')).toMatchObject({
      tag: 'stable-old',
      cache: 7_200_000,
      removal: 'never',
    });
    expect(() => findDistribution(storage, 'production')).toThrow(/there are beta, stable/);
  });

  it('tell who must be rebuilt after whom', () => {
    const { storage } = parseConfiguration(undefined);
    expect(downstreamOf(storage, 'production').map(({ name }) => name)).toEqual(['staging', 'snapshot']);
    expect(downstreamOf(storage, 'snapshot')).toEqual([]);
  });

  it.each([
    ['an upstream that is none', '  distributions: { a: { upstream: [b] } }\n', /'b' is no distribution/],
    ['a circle', '  distributions: { a: { upstream: [b] }, b: { upstream: [a] } }\n', /upstream of each other/],
    [
      'a circle of three',
      '  distributions: { a: { upstream: [b] }, b: { upstream: [c] }, c: { upstream: [a] } }\n',
      /upstream of each other/,
    ],
    ['itself', '  distributions: { a: { upstream: [a] } }\n', /upstream of each other/],
    [
      'too many layers',
      '  distributions: { a: { layers: 30 }, b: { upstream: [a], layers: 7 } }\n',
      /up to 57 layers .*b 7, a 30/,
    ],
    [
      'one tag for two',
      '  distributions: { a: { tag: live }, b: { tag: live } }\n',
      /b: its tag 'live' is the one of 'a'/,
    ],
    ['the name of another as tag', '  distributions: { a: { tag: b }, b: {} }\n', /b: its tag 'b' is the one of 'a'/],
    ["a build's tag", `  distributions: { a: { tag: ${'0a'.repeat(20)} } }\n`, /looks like the tag of one build/],
    ["a rebuild's tag", `  distributions: { a: { tag: ${'0a'.repeat(20)}-${'0a'.repeat(6)} } }\n`, /of one build/],
    ['a mistyped policy', '  distributions: { a: { overwrite: sometimes } }\n', /equal to one of the allowed values/],
  ])('refuse %s', (_, yaml, message) => {
    expect(() => storageOf(yaml)).toThrow(message);
  });
});
