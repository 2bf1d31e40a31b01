import { expect, it } from 'vitest';
import type { Review } from '../github/reviews.ts';
import { findApprovals } from './approval.ts';

const HEAD = 'a'.repeat(40);
const OLD = 'b'.repeat(40);

function review(author: string, state: string, commit = HEAD, isBot = false): Review {
  return { id: 1, author, state, commit, isBot, submittedAt: new Date('2026-01-01T00:00:10Z') };
}

const approvedBy = (...reviews: Review[]) => findApprovals(reviews, HEAD, 'Ada', undefined).approvedBy;

it.each<[string, string[], Review[]]>([
  ['an approval of the head counts', ['lin'], [review('lin', 'APPROVED')]],
  ['a later comment takes nothing back', ['lin'], [review('lin', 'APPROVED'), review('lin', 'COMMENTED')]],
  ['asking for changes does', [], [review('lin', 'APPROVED'), review('Lin', 'CHANGES_REQUESTED')]],
  ['what others ask for does not', ['lin'], [review('lin', 'APPROVED'), review('chen', 'CHANGES_REQUESTED')]],
  ['a dismissed approval is none', [], [review('lin', 'DISMISSED')]],
  ['nor is one before it', [], [review('lin', 'APPROVED'), review('lin', 'DISMISSED')]],
  ['the author cannot approve', [], [review('ada', 'APPROVED')]],
  ['a bot cannot approve', [], [review('robot[bot]', 'APPROVED', HEAD, true)]],
  ['an approval of another commit is none', [], [review('lin', 'APPROVED', OLD)]],
  ['nor is one before it', [], [review('lin', 'APPROVED'), review('lin', 'APPROVED', OLD)]],
])('%s', (_, wanted, reviews) => expect(approvedBy(...reviews)).toEqual(wanted));

it('names those who approved another commit', () => {
  expect(findApprovals([review('lin', 'APPROVED', OLD)], HEAD, 'ada', undefined).approvedBefore).toEqual(['lin']);
});

it.each([
  ['before', '2026-01-01T00:00:09Z', ['lin'], []],
  ['in the same second as', '2026-01-01T00:00:10Z', [], ['lin']],
  ['after', '2026-01-01T00:00:11Z', [], ['lin']],
])('sorts out an approval when the base was changed %s it', (_, at, approvedBy, approvedElsewhere) => {
  const found = findApprovals([review('lin', 'APPROVED')], HEAD, 'ada', new Date(at));
  expect(found).toEqual({ approvedBy, approvedBefore: [], approvedElsewhere });
});

it('takes no approval of which nobody knows when it was given, once the base was changed', () => {
  const unknown = { ...review('lin', 'APPROVED'), submittedAt: undefined };
  expect(findApprovals([unknown], HEAD, 'ada', new Date(0)).approvedBy).toEqual([]);
});
