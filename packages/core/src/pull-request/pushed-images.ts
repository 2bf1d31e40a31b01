import type { Comment } from '../github/comments.ts';
import type { PushedImage } from '../plugin/subject.ts';
import { readImageList } from './image-list.ts';

/** The list of pushed images that holds, and where it stands. */
export interface PushedImages {
  readonly images: readonly PushedImage[];
  readonly comment: Comment;
}

/**
 * Returns the latest list of pushed images by somebody who `may` command; undefined when there is none. What others list
 * is passed over, and so is what bots write: we tell addresses too. `comments` are the oldest first.
 *
 * The latest one may have been edited, and then says nothing that can be relied on; to take an older one in its place
 * would release what nobody means any more, so that is the caller's to refuse.
 */
export async function findPushedImages(
  comments: readonly Comment[],
  may: (login: string) => Promise<boolean>,
): Promise<PushedImages | undefined> {
  for (const comment of comments.toReversed()) {
    if (comment.isBot) continue;
    const images = readImageList(comment.body);
    if (images.length > 0 && (await may(comment.author))) return { images, comment };
  }
  return undefined;
}
