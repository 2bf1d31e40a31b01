import { describe, expect, it } from 'vitest';
import { RULES } from '../pull-request/rules.ts';
import { SIZE_LIMIT, type SourceFile } from './plugin-file.ts';
import type { FileChange } from './subject.ts';
import { added, brief, judgeWith, modified, pluginText, samplePlugin, sourceFile } from './testing.ts';

const judge = judgeWith(RULES);
const PATH = 'release-plugins/log-viewer.yaml';
const GOOD = pluginText('log-viewer');

function judgeText(text: string | Buffer) {
  return judge({ changes: added(sourceFile(PATH, text)) }).findings;
}

describe('a file that cannot be read', () => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i += 1)
    bomb.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );

  it.each<[string, string | Buffer, string, RegExp]>([
    ['is empty', '', 'yaml-syntax 1:1', /delete the file/],
    ['has only a comment', '# 稍后填写\n', 'yaml-syntax 1:1', /delete the file/],
    ['holds two documents', `${GOOD}---\n${GOOD}`, 'yaml-syntax 43:1', /---/],
    [
      'repeats a key',
      GOOD.replace('  class: log-viewer', '  class: log-viewer\n  class: other'),
      'yaml-syntax 6:3',
      /Remove one/,
    ],
    ['is indented with a tab', GOOD.replace('    port', '\tport'), 'yaml-syntax 12:1', /spaces/],
    ['holds an empty second document', `${GOOD}---\n`, 'yaml-syntax 43:1', /---/],
    ['is an alias bomb', bomb.join('\n'), 'yaml-syntax 6:', /instead of using aliases/],
    [
      'holds itself',
      GOOD.replace('spec:', 'spec: &spec').replace('note: 查看和检索容器日志', 'note: *spec'),
      'yaml-syntax 9:9',
      /instead/,
    ],
    ['repeats a megabyte', `a:\n- &m [${'1,'.repeat(400_000)}]\n${'- *m\n'.repeat(49)}`, 'yaml-syntax 3:3', /instead/],
    ['nests too deeply', '['.repeat(5000), 'yaml-syntax 1:', /less deeply/],
    ['has a custom tag', GOOD.replace('port: 8080', 'port: !!js/function "x"'), 'yaml-syntax 12:', /./],
    [
      'is no UTF-8',
      Buffer.concat([Buffer.from('metadata:\n  alias: '), Buffer.from([0xc8, 0xd5, 0xd6, 0xbe])]),
      'file-encoding 2:1',
      /UTF-8/,
    ],
    ['has 5 MB', Buffer.alloc(5_000_000, 'a: 1\n'), 'file-size 1:1', /image/],
    ['has one byte too many', Buffer.alloc(SIZE_LIMIT + 1, '#'), 'file-size 1:1', /image/],
    ['is nothing', '~', 'schema 1:1', /delete the file/],
    ['is just a text', 'hello', 'schema 1:1', /mapping/],
    ['is a list', '- a\n- b\n', 'schema 1:1', /mapping/],
  ])('gets one finding when it %s', (_, text, expected, fix) => {
    const findings = judgeText(text);
    expect(brief(findings).map((line) => line.slice(0, expected.length))).toEqual([expected]);
    expect(findings[0]?.fix).toMatch(fix);
    expect(findings[0]?.message).not.toMatch(/\n/);
  });

  it.each([
    '[',
    '{',
    '"',
    "'",
    '&',
    '- ',
    '? ',
    '\n',
    ': ',
    '!',
    '|\n',
    '*a ',
    '#',
    '\t',
    '\0',
    'a: &a *a\n',
    '- - - - ',
  ])('never hangs on a megabyte of %j', (piece) => {
    const findings = judgeText(piece.repeat(SIZE_LIMIT / piece.length));
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.length).toBeLessThanOrEqual(20 * RULES.length);
  });

  it('shows a few findings of one kind, and says that there are more', () => {
    const envs = Array.from({ length: 8000 }, (_, index) => `      - { name: A${index}, value: 1, typo${index}: x }`);
    const slots = Array.from({ length: 5000 }, (_, index) => `    - slot-${index}`);
    const text = GOOD.replace('      files: []', `${envs.join('\n')}\n      files: []`).replace(
      '    slots:\n',
      `    slots:\n${slots.join('\n')}\n`,
    );
    const twin = sourceFile('release-plugins/twin.yaml', text.replaceAll('log-viewer', 'twin'));
    const { findings } = judge({ changes: added(sourceFile(PATH, text), twin) });
    const ofFile = findings.filter(({ file }) => file === PATH);
    for (const rule of ['schema', 'unknown-key', 'slot-conflict']) {
      const ofRule = ofFile.filter((finding) => finding.rule === rule);
      expect(ofRule).toHaveLength(20);
      expect(ofRule.some(({ message }) => message.endsWith('There are more of this kind, not shown.'))).toBe(true);
    }
  });
});

describe('names and kinds', () => {
  it.each<[string, SourceFile, string, string]>([
    ['.yml', sourceFile('release-plugins/log-viewer.yml', GOOD), 'file-name', 'release-plugins/log-viewer.yaml'],
    ['.YAML', sourceFile('release-plugins/log-viewer.YAML', GOOD), 'file-name', 'release-plugins/log-viewer.yaml'],
    ['upper case', sourceFile('release-plugins/Log_Viewer.yaml', GOOD), 'file-name', 'release-plugins/log-viewer.yaml'],
    ['a dot', sourceFile('release-plugins/..yaml', GOOD), 'file-name', 'Rename it'],
    ['two dots', sourceFile('release-plugins/../log-viewer.yaml', GOOD), 'file-name', 'Rename it'],
    ['64 letters', sourceFile(`release-plugins/${'a'.repeat(64)}.yaml`, GOOD), 'file-name', 'at most 63'],
    [
      'a line break',
      sourceFile('release-plugins/a\n::error::b.yaml', GOOD),
      'file-name',
      'release-plugins/a-error-b.yaml',
    ],
    [
      'a sub-directory',
      sourceFile('release-plugins/logs/log-viewer.yaml', GOOD),
      'file-kind',
      'release-plugins/log-viewer.yaml',
    ],
    ['a symlink', sourceFile(PATH, '../../etc/passwd', '120000'), 'file-kind', 'copy'],
    ['a submodule', { path: PATH, mode: '160000', size: 0, id: 'a'.repeat(40) }, 'file-kind', 'regular file'],
  ])('refuses %s', (_, file, rule, fix) => {
    const { findings, plugins } = judge({ changes: added(file) });
    expect(findings).toMatchObject([{ file: file.path, line: 1, column: 1, rule, severity: 'error' }]);
    expect(findings[0]?.fix).toContain(fix);
    expect(plugins).toEqual([]);
    const whole = judge({ base: [file], scope: 'all' });
    expect(brief(whole.findings)).toEqual([`${rule} 1:1 error`]);
  });

  it('warns about other files of the directory when it checks everything, and only then', () => {
    const readme = sourceFile('release-plugins/README.md', '# Plugins');
    const base = [readme, sourceFile('release-plugins/old/notes.txt', ''), samplePlugin('log-viewer')];
    expect(judge({ base, scope: 'all' }).findings.map(({ file, rule, severity }) => [file, rule, severity])).toEqual([
      ['release-plugins/README.md', 'file-kind', 'warning'],
      ['release-plugins/old/notes.txt', 'file-kind', 'warning'],
    ]);
    expect(judge({ base }).findings).toEqual([]);
    const touched = judge({ base, changes: modified(readme), scope: 'all' });
    expect(touched.findings.map(({ file, rule }) => [file, rule])).toEqual([
      ['release-plugins/README.md', 'only-plugin-files'],
      ['release-plugins/old/notes.txt', 'file-kind'],
    ]);
  });

  it('refuses what only a disk can hold', () => {
    const pipes = ['pipe.yaml', 'pipe'].map(
      (name): SourceFile => ({ path: `release-plugins/${name}`, mode: 'special', size: 0, id: '' }),
    );
    expect(brief(judge({ base: pipes, scope: 'all' }).findings)).toEqual([
      'file-kind 1:1 error',
      'file-kind 1:1 error',
    ]);
  });

  it('shows names on one line, cut when they are long', () => {
    const path = `release-plugins/${'a\n::error::'.repeat(400)}`;
    const changes: FileChange[] = [
      ...added(sourceFile(`${path}.yaml`, GOOD)),
      { status: 'added', path: `docs/${path}` },
    ];
    const { findings } = judge({ changes });
    expect(findings.map(({ rule }) => rule)).toEqual(['only-plugin-files', 'file-name']);
    for (const { message, fix } of findings) {
      expect(message).not.toMatch(/[\r\n]/);
      expect(message.length + fix.length).toBeLessThan(700);
    }
  });

  it('refuses what is no plugin beside plugins, and warns where there is nothing else', () => {
    const other: FileChange = { status: 'modified', path: 'scripts/build.sh' };
    const owners: FileChange = { status: 'removed', path: 'release-plugins/OWNERS' };
    const mixed = judge({ changes: [...added(samplePlugin('log-viewer')), other, owners] });
    expect(mixed.findings.map(({ file, rule, severity }) => [file, rule, severity])).toEqual([
      ['release-plugins/OWNERS', 'only-plugin-files', 'error'],
      ['scripts/build.sh', 'only-plugin-files', 'error'],
    ]);
    expect(judge({ changes: [other] }).findings).toMatchObject([{ rule: 'only-plugin-files', severity: 'warning' }]);
    expect(judge({ changes: [other, owners] }).findings).toMatchObject([{ severity: 'error' }, { severity: 'error' }]);
  });

  it('sees a file that is moved out of the directory or into it', () => {
    const file = samplePlugin('log-viewer');
    const moved: FileChange = { status: 'renamed', path: 'attic/log-viewer.yaml', previousPath: PATH };
    expect(judge({ base: [file], changes: [moved] }).findings).toMatchObject([
      { file: 'attic/log-viewer.yaml', severity: 'error' },
    ]);
    const back: FileChange = { status: 'renamed', path: PATH, previousPath: 'attic/log-viewer.yaml', file };
    const result = judge({ changes: [back] });
    expect(result.findings).toMatchObject([{ file: 'attic/log-viewer.yaml', severity: 'error' }]);
    expect(result.plugins).toHaveLength(1);
  });

  it('lets a misnamed file be renamed', () => {
    const old = sourceFile('release-plugins/log-viewer.yml', GOOD);
    const file = samplePlugin('log-viewer');
    const { findings, plugins } = judge({
      base: [old],
      changes: [{ status: 'renamed', path: PATH, previousPath: old.path, file }],
    });
    expect(findings).toEqual([]);
    expect(plugins).toHaveLength(1);
  });

  it('warns when metadata.name is not the file name', () => {
    const findings = judgeText(pluginText('log-viewer', { name: 'logviewer' }));
    expect(brief(findings)).toEqual(['metadata-name 2:9 warning']);
    expect(findings[0]?.fix).toBe('Write: name: log-viewer');
  });
});
