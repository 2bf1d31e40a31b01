import { expect, it } from 'vitest';
import { check } from '../plugin/check.ts';
import { configurationOf, samplePlugin } from '../plugin/testing.ts';
import { RULES } from './rules.ts';

const BODY = '**Release note**:\n\n/kind release\n/queue need-queue\n/cc @grace @acme/platform-release\n';

function judge(body: string, isNew = true, owners?: readonly string[]) {
  const file = samplePlugin('logs');
  return check(RULES, {
    configuration: configurationOf(['team: acme/platform-release']),
    commit: 'c'.repeat(40),
    base: isNew ? [] : [file],
    changes: [isNew ? { status: 'added', path: file.path, file } : { status: 'removed', path: file.path }],
    pullRequest: { number: 7, title: 'feat(logs): v0.1.0 release', body, author: 'Ada' },
    ...(owners !== undefined && { owners }),
    scope: 'changed',
  }).findings;
}

it('is content with the documented form', () => {
  expect(judge(BODY)).toEqual([]);
  expect(judge(BODY.replaceAll('\n', '\r\n'))).toEqual([]);
});

it.each<[string, string, string, string, number, string, string]>([
  [
    'release note',
    '**Release note**:',
    '',
    'pull-request-release-note',
    1,
    'warning',
    'Add the line: **Release note**:',
  ],
  ['kind', '/kind release', '', 'pull-request-kind', 1, 'error', 'Add the line: /kind release'],
  [
    'kind but the placeholder',
    '/kind release',
    '/kind need-kind',
    'pull-request-kind',
    3,
    'error',
    'Write on line 3: /kind release',
  ],
  ['kind but another', '/kind release', '/kind bug', 'pull-request-kind', 3, 'error', 'Write on line 3: /kind release'],
  [
    'kind but a quoted one',
    '/kind release',
    '> /kind release\n',
    'pull-request-kind',
    1,
    'error',
    'Add the line: /kind release',
  ],
  ['queue', '/queue need-queue', '', 'pull-request-queue', 1, 'error', 'Add the line: /queue need-queue'],
  [
    'queue but a later one',
    '/queue need-queue',
    '/queue done-package-uploaded',
    'pull-request-queue',
    4,
    'error',
    'Write on line 4: /queue need-queue',
  ],
  ['owner', '@grace ', '', 'pull-request-cc', 5, 'warning', 'Add the line: /cc @<plugin-owner>'],
  ['owner but the author', '@grace', '@ada', 'pull-request-cc', 5, 'warning', 'Add the line: /cc @<plugin-owner>'],
  [
    'team',
    ' @acme/platform-release',
    '',
    'pull-request-team',
    1,
    'warning',
    'Add the line: /cc @acme/platform-release',
  ],
])('misses the %s', (_, from, to, rule, line, severity, fix) => {
  const findings = judge(BODY.replace(from, to));
  expect(findings).toMatchObject([{ file: '', line, rule, severity }]);
  expect(findings[0]?.fix).toContain(fix);
});

it('takes a pull request for a release that says so, and then nothing else may change', () => {
  const level = (body: string) =>
    check(RULES, {
      configuration: configurationOf(),
      commit: 'c'.repeat(40),
      base: [],
      changes: [{ status: 'modified', path: 'README.md' }],
      pullRequest: { number: 7, title: 'docs', body, author: 'Ada' },
      scope: 'changed',
    }).findings.map(({ rule, severity }) => [rule, severity]);
  expect(level('/kind release\n')).toEqual([['only-plugin-files', 'error']]);
  expect(level('/kind Release bug\n')).toEqual([['only-plugin-files', 'error']]);
  for (const body of ['', '/kind bug\n', '> /kind release\n', '<!-- /kind release -->\n']) {
    expect.soft(level(body), body).toEqual([['only-plugin-files', 'warning']]);
  }
});

it('takes only an approver in OWNERS for an owner, and names those who are', () => {
  expect(judge(BODY, true, ['grace', 'linus'])).toEqual([]);
  const [finding] = judge(BODY, true, ['ada', 'linus', 'margaret']);
  expect(finding).toMatchObject({ rule: 'pull-request-cc', line: 5 });
  expect(finding?.fix).toBe('Add the line: /cc @linus (or margaret)');
});

it('asks for everything when the description is empty, and for nothing when nothing is released', () => {
  expect(judge('').map(({ rule }) => rule)).toEqual([
    'pull-request-cc',
    'pull-request-kind',
    'pull-request-queue',
    'pull-request-release-note',
    'pull-request-team',
  ]);
  expect(judge('', false)).toEqual([]);
});
