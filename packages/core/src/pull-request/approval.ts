import type { Review } from '../github/reviews.ts';

/** States of a review that replace what the same person said before; a mere comment does not. */
const DECISIVE = new Set(['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED']);

/** Where everybody who has decided stands now. */
export interface Approvals {
  /** Logins of those who approve this very commit. */
  readonly approvedBy: readonly string[];
  /** Logins of those whose last word is an approval of another commit. */
  readonly approvedBefore: readonly string[];
  /** Logins of those who approve this very commit, but saw it against another base branch. */
  readonly approvedElsewhere: readonly string[];
}

/**
 * Returns who approves `commit`: those whose last decisive review says so and was made of that commit. An approval that
 * was dismissed, or that its author has followed by a request for changes, is none; nor is the pull request's author's or
 * a bot's own. `reviews` are the oldest first.
 *
 * Nor does one count that is older than the last change of the base branch, at `rebasedAt`: the commit stays the same with
 * that, and the files that it shows do not. GitHub's clock tells whole seconds, so one of the same second is older.
 */
export function findApprovals(
  reviews: readonly Review[],
  commit: string,
  author: string,
  rebasedAt: Date | undefined,
): Approvals {
  const last = new Map<string, Review>();
  for (const review of reviews) {
    if (DECISIVE.has(review.state) && !review.isBot) last.set(review.author.toLowerCase(), review);
  }
  last.delete(author.toLowerCase());
  const approving = [...last.values()].filter(({ state }) => state === 'APPROVED');
  const ofCommit = approving.filter((review) => review.commit === commit);
  const isOfBase = ({ submittedAt }: Review): boolean =>
    rebasedAt === undefined || (submittedAt !== undefined && submittedAt > rebasedAt);
  const authors = (some: readonly Review[]): string[] => some.map((review) => review.author);
  return {
    approvedBy: authors(ofCommit.filter(isOfBase)),
    approvedBefore: authors(approving.filter((review) => review.commit !== commit)),
    approvedElsewhere: authors(ofCommit.filter((review) => !isOfBase(review))),
  };
}
