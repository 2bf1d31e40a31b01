import { describe, expect, it } from 'vitest';
import { cascadeTag, findRegression, isBuiltFrom } from './distribution-tags.ts';
import { type DistributionLabels, formatLabels, parseLabels } from './labels.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

function labelsOf(revision: string, production: string): DistributionLabels {
  return {
    distribution: 'staging',
    revision,
    base: { name: 'a.example.com/base:v1', digest: digest('0') },
    upstreams: [
      { name: 'production', digest: digest('1'), revision: production },
      {
        name: 'foreign',
        digest: digest('2'),
        revision: undefined,
        packages: [{ name: 'a', version: '1.0.0', tree: A }],
      },
    ],
    layers: ['base', { distribution: 'production', key: 'f'.repeat(64) }, 'files'],
  };
}

/** a, then b, then c. */
const isAncestor = async (ancestor: string, descendant: string): Promise<boolean> => ancestor <= descendant;

describe('the labels', () => {
  it('come back as they were written', () => {
    const labels = labelsOf(A, B);
    expect(parseLabels(formatLabels(labels))).toEqual(labels);
    expect(parseLabels({ 'org.opencontainers.image.revision': A })).toBeUndefined();
  });

  it.each(['main', '--upload-pack=x', `${'a'.repeat(40)}\n`, 'A'.repeat(40), ''])(
    'are not ours with the commit %j',
    (word) => {
      expect(parseLabels(formatLabels(labelsOf(word, B)))).toBeUndefined();
      expect(parseLabels(formatLabels(labelsOf(A, word)))).toBeUndefined();
    },
  );
});

describe('the tags', () => {
  it('of a rebuild depend on upstreams and base, not on their order', () => {
    const inputs = {
      base: digest('0'),
      upstreams: [
        { name: 'x', digest: digest('1') },
        { name: 'y', digest: digest('2') },
      ],
    };
    const tag = cascadeTag(A, inputs);
    expect(tag).toMatch(new RegExp(`^${A}-[0-9a-f]{12}$`));
    expect(cascadeTag(A, { ...inputs, upstreams: inputs.upstreams.toReversed() })).toBe(tag);
    expect(cascadeTag(A, { ...inputs, base: digest('3') })).not.toBe(tag);
    expect(
      cascadeTag(A, {
        ...inputs,
        upstreams: [
          { name: 'x', digest: digest('2') },
          { name: 'y', digest: digest('1') },
        ],
      }),
    ).not.toBe(tag);
  });

  it('tell what an image was built from', () => {
    const labels = labelsOf(A, B);
    const inputs = { base: labels.base.digest, upstreams: labels.upstreams };
    expect(isBuiltFrom(labels, A, inputs)).toBe(true);
    expect(isBuiltFrom(labels, B, inputs)).toBe(false);
    expect(isBuiltFrom(labels, A, { ...inputs, base: digest('9') })).toBe(false);
    expect(isBuiltFrom(undefined, A, inputs)).toBe(false);
  });

  it.each([
    ['the same', labelsOf(B, B), labelsOf(B, B), undefined],
    ['newer', labelsOf(B, B), labelsOf(C, C), undefined],
    ['older', labelsOf(B, B), labelsOf(A, B), /shows the commit b+, and a+ does not come after it/],
    ['with an older upstream', labelsOf(B, B), labelsOf(C, A), /contains production at the commit b+/],
    ['the first', undefined, labelsOf(A, A), undefined],
  ])('move forward only: %s', async (_, current, next, reason) => {
    const found = await findRegression(current, next, isAncestor);
    if (reason === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(reason);
  });

  it('do not wait for ever where the branch was written anew', async () => {
    const never = async () => false;
    const next = labelsOf(B, B);
    await expect(findRegression(labelsOf(A, B), next, never, async () => true)).rejects.toMatchObject({
      code: 'diverged-tag',
    });
    // What is not the head only comes too late.
    expect(await findRegression(labelsOf(A, B), next, never, never)).toMatch(/does not come after it/);
    expect(await findRegression(labelsOf(C, C), next, isAncestor, async () => true)).toMatch(/does not come after it/);
  });

  it('are not taken from another distribution', async () => {
    const other = { ...labelsOf(C, C), distribution: 'other' };
    await expect(findRegression(other, labelsOf(A, A), isAncestor)).rejects.toThrow(
      /tag of 'staging' shows an image of the distribution 'other'/,
    );
  });
});
