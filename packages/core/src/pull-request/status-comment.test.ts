import { describe, expect, it } from 'vitest';
import { COMMENT_LIMIT, type Comment } from '../github/comments.ts';
import { showText } from './shown-text.ts';
import { findStatusComment, formatStatusComment } from './status-comment.ts';

describe('showText', () => {
  it.each([
    '@all',
    '#12',
    'GH-1',
    'https://x.example',
    'www.x.example',
    '<b>',
    '`x`',
    '[a](b)',
    '|',
    '&lt;',
    'a\nb',
    'a\u202eb',
  ])('leaves nothing of %j that works', (text) => {
    const shown = showText(text);
    expect(shown).toMatch(/^<code>[^<>@|`[\]\n\u202e]*<\/code>$/);
    expect(shown).not.toMatch(/:\/\/|www\.|(?<!&)#[0-9]/);
  });
});

describe('the status comment', () => {
  const commit = 'a'.repeat(40);

  it('is found by its author and its first line, and by its id among those', () => {
    const body = formatStatusComment({ commit });
    const comment = (id: number, author: string, text = body): Comment => ({
      id,
      author,
      isBot: true,
      isEdited: false,
      body: text,
    });
    const comments = [comment(1, 'mallory'), comment(2, 'us', `x\n${body}`), comment(3, 'us'), comment(4, 'us')];
    expect(findStatusComment(comments, 'us')?.id).toBe(3);
    expect(findStatusComment(comments, 'us', 4)?.id).toBe(4);
    expect(findStatusComment(comments, 'us', 1)?.id).toBe(3);
    expect(findStatusComment(comments, 'others')).toBeUndefined();
  });

  it('is never longer than GitHub takes', () => {
    const missing = Array.from({ length: 100 }, () => '@'.repeat(1000));
    expect(formatStatusComment({ commit, missing }).length).toBeLessThanOrEqual(COMMENT_LIMIT);
  });
});
