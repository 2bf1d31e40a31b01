import { expect, it } from 'vitest';
import { gateCheck } from './gate-check.ts';

const TREE = 'a'.repeat(40);

it('shows names and paths of others as what they are, and calls nobody', () => {
  const odd = { name: 'x` @everybody <b>\n# y', version: '1.0.0', tree: TREE };
  const verdict = { pullRequest: 1, distribution: 'staging', headSha: TREE };
  const { summary } = gateCheck(TREE, [
    {
      ...verdict,
      added: [odd],
      removed: [],
      refused: [{ ...odd, reason: 'a `b` @team' }],
      problems: ['packages/`x @all is\nno directory.'],
    },
  ]);
  expect(summary).toBe(
    [
      '### To mend',
      '',
      '- packages/\\`x @\u200ball is no directory.',
      "- `x' @everybody <b> # y-1.0.0` must not be removed. a \\`b\\` @\u200bteam",
      '',
      '### Added',
      '',
      `- \`x' @everybody <b> # y-1.0.0\` \`${TREE}\``,
      '',
      '',
    ].join('\n'),
  );
});
