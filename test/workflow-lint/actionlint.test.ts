import { describe, expect, it } from 'vitest';
import { lintWorkflows } from './actionlint.ts';
import { readFixture } from './fixture.ts';
import { formatProblem } from './rule.ts';

describe('actionlint', () => {
  it('finds what GitHub would refuse, in what is called from here and from elsewhere, and raises no false alarm', async () => {
    const { actions, ours, files, expected } = readFixture('actionlint');
    const found = await lintWorkflows(files, { actions, workflows: ours });
    expect(expected).not.toEqual([]);
    expect(found.map(formatProblem).sort()).toEqual(expected);
  });
});
