import type { Review } from '../github/reviews.ts';

/** States of a review that replace what the same person said before; a mere comment does not. */
const DECISIVE = new Set(['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED']);

/** Where everybody who has decided stands now. */
export interface Approvals {
  /** Logins of those who approve this very commit. */
  readonly approvedBy: readonly string[];
  /** Logins of those whose last word is an approval of another commit. */
  readonly approvedBefore: readonly string[];
}

/**
 * Returns who approves `commit`: those whose last decisive review says so and was made of that commit. An approval that
 * was dismissed, or that its author has followed by a request for changes, is none; nor is the pull request's author's or
 * a bot's own. `reviews` are the oldest first.
 */
export function findApprovals(reviews: readonly Review[], commit: string, author: string): Approvals {
  const last = new Map<string, Review>();
  for (const review of reviews) {
    if (DECISIVE.has(review.state) && !review.isBot) last.set(review.author.toLowerCase(), review);
  }
  last.delete(author.toLowerCase());
  const approving = [...last.values()].filter(({ state }) => state === 'APPROVED');
  return {
    approvedBy: approving.filter((review) => review.commit === commit).map((review) => review.author),
    approvedBefore: approving.filter((review) => review.commit !== commit).map((review) => review.author),
  };
}
