import { describe, expect, it } from 'vitest';
import { readCommands } from './commands.ts';
import { readMarkdownLines } from './markdown-lines.ts';
import { mentionsTeam } from './mentions.ts';
import { hasReleaseNote } from './release-note.ts';

const kinds = (markdown: string) => readMarkdownLines(markdown).map(({ kind }) => kind);

describe('readMarkdownLines', () => {
  it('knows fenced code, and only its own kind of fence closes it', () => {
    expect(kinds('a\n```sh\n/kind x\n~~~\n``\n````\nb')).toEqual([
      'text',
      'fence',
      'code',
      'code',
      'code',
      'fence',
      'text',
    ]);
    expect(kinds('~~~\n```\n~~~')).toEqual(['fence', 'code', 'fence']);
    expect(kinds('```inline``` code')).toEqual(['text']);
    expect(kinds('```\nnever closed')).toEqual(['fence', 'code']);
  });

  it('knows quotes, and blanks HTML comments so that columns stay', () => {
    expect(kinds('> /kind release\n\n/kind release')).toEqual(['quote', 'text', 'text']);
    const lines = readMarkdownLines('<!-- a --> /cc\n<!--\n/kind x\n--> /queue y\r\nend').map(({ text }) => text);
    expect(lines).toEqual(['           /cc', '    ', '       ', '    /queue y', 'end']);
  });
});

describe('what is shown and not meant', () => {
  it.each([
    ['a fence in a list', '- like this:\n\n    ```\n    /queue x\n    ```'],
    ['a fence that is an item', '- ```\n  /queue x\n  ```'],
    ['a fence in a numbered list', '10. so\n\n     ~~~\n/queue x\n     ~~~'],
    ['more than three blanks', 'so:\n\n    /queue x'],
    ['a tab', 'so:\n\n\t/queue x'],
    ['<pre>', '<pre>\n/queue x\n</pre>'],
    ['<pre> in a line', 'so: <PRE class="a">one\n/queue x'],
    ['<code>', '<code>\n/queue x\n</code>'],
    ['<blockquote>', '<blockquote>\n\n/queue x\n\n</blockquote>'],
    ['the line behind a quote', '> ada wrote\n/queue x'],
    ['two lines behind a quote', '1. > ada wrote\nmore\n/queue x'],
    // None of these closes the fence, or opens one that the next closes.
    ['a fence that only seems to be closed', '```\n    ```\n/queue x\n```'],
    ['a fence behind one that only seems to be opened', 'a\n\n    ```\n\n```\n/queue x\n```'],
    ['a fence behind a list whose fence was not closed', '- ```\n  a\n\nb\n```\n/queue x\n```'],
  ])('is no command: %s', (_, markdown) => expect(readCommands(markdown)).toEqual([]));

  it.each([
    ['behind three blanks', '   /queue x'],
    ['behind a quote and a blank line', '> ada wrote\n\n/queue x'],
    ['behind a fence in a list', '- so:\n  ```\n  a\n  ```\n\n/queue x'],
    ['behind a fence that ends a quote', '> ada wrote\n```\na\n```\n/queue x'],
    ['behind <pre>', '<pre>a</pre>\n/queue x'],
    ['behind a <pre> that is only mentioned', 'use `<pre>` or ``<code>``\n/queue x'],
  ])('is a command %s', (_, markdown) => expect(readCommands(markdown)).toMatchObject([{ words: ['x'] }]));
});

it.each([
  ['backticks', '`'.repeat(65_000)],
  ['backticks before a letter', `${'`'.repeat(65_000)}a`],
  ['pairs of backticks', '`` '.repeat(20_000)],
  ['list marks', '- '.repeat(32_000)],
  ['blanks', `${' '.repeat(65_000)}x`],
  ['open tags', '<pre '.repeat(13_000)],
  ['quotes', '> '.repeat(32_000)],
])('reads a comment full of %s at once', (_, markdown) => {
  expect(readCommands(markdown)).toEqual([]);
});

describe('readCommands', () => {
  it('reads lines that begin with a slash and a word', () => {
    const body =
      'text /kind x\n/kind release\n  /CC @ada  @acme/team \n/src/index.js\n/hold\n> /kind bug\n```\n/kind bug\n```';
    expect(readCommands(body)).toEqual([
      { name: 'kind', words: ['release'], line: 2, column: 1 },
      { name: 'cc', words: ['@ada', '@acme/team'], line: 3, column: 3 },
      { name: 'hold', words: [], line: 5, column: 1 },
    ]);
  });
});

describe('hasReleaseNote', () => {
  it.each([
    '**Release note**:',
    '**Release note:** none',
    '## Release notes',
    'release-note: x',
    '```release-note\nNONE\n```',
    'Release note：无',
  ])('takes %j', (body) => expect(hasReleaseNote(`hello\n${body}\n`)).toBe(true));

  it.each([
    '',
    'The release note follows',
    '> **Release note**:',
    '<!-- **Release note**: -->',
    '```\nRelease note:\n```',
  ])('does not take %j', (body) => expect(hasReleaseNote(body)).toBe(false));
});

describe('mentionsTeam', () => {
  it.each([
    '/cc @acme/platform-release',
    'to (@Acme/Platform-Release).',
    '@acme/platform-release-x @acme/platform-release,',
  ])('sees %j', (body) => expect(mentionsTeam(body, 'acme/platform-release')).toBe(true));

  it.each([
    '@acme/platform-release-x',
    'x@acme/platform-release',
    'acme/platform-release',
    '`x`\n> @acme/platform-release',
  ])('does not see %j', (body) => expect(mentionsTeam(body, 'acme/platform-release')).toBe(false));
});
