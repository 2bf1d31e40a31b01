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
    expect(kinds('> /kind release\n/kind release')).toEqual(['quote', 'text']);
    const lines = readMarkdownLines('<!-- a --> /cc\n<!--\n/kind x\n--> /queue y\r\nend').map(({ text }) => text);
    expect(lines).toEqual(['           /cc', '    ', '       ', '    /queue y', 'end']);
  });
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
