import { expect, it } from 'vitest';
import type { Review } from '../github/reviews.ts';
import { findApprovals } from './approval.ts';

const HEAD = 'a'.repeat(40);
const OLD = 'b'.repeat(40);

function review(author: string, state: string, commit = HEAD, isBot = false): Review {
  return { id: 1, author, state, commit, isBot };
}

const approvedBy = (...reviews: Review[]) => findApprovals(reviews, HEAD, 'Ada').approvedBy;

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
  expect(findApprovals([review('lin', 'APPROVED', OLD)], HEAD, 'ada').approvedBefore).toEqual(['lin']);
});
