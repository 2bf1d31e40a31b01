import { describe, expect, it } from 'vitest';
import { RULES } from '../pull-request/rules.ts';
import type { FileChange } from './subject.ts';
import { added, brief, configurationOf, judgeWith, modified, pluginText, samplePlugin, sourceFile } from './testing.ts';

const judge = judgeWith(RULES);
const PATH = 'release-plugins/log-viewer.yaml';
const GOOD = pluginText('log-viewer');

describe('conflicts', () => {
  const shared = { slots: ['system.plugin_center'] };
  const viewer = samplePlugin('log-viewer', { ...shared, port: 8080 });
  const gpu = samplePlugin('gpu', { ...shared, port: 9090 });

  it('fails the touched file and names the other plugin with its line', () => {
    const { findings } = judge({ base: [gpu], changes: added(viewer) });
    expect(findings).toMatchObject([{ file: PATH, line: 42, column: 7, rule: 'slot-conflict', severity: 'error' }]);
    expect(findings[0]?.message).toBe("Slot 'system.plugin_center' also belongs to gpu (release-plugins/gpu.yaml:42).");
    expect(findings[0]?.fix).toContain('plugins.slots.shared');
  });

  it('fails whoever is touched, though the other came later', () => {
    const { findings } = judge({
      base: [viewer, gpu],
      changes: modified(samplePlugin('gpu', { ...shared, port: 9090, version: 'v0.2.0' })),
    });
    expect(findings).toMatchObject([{ file: 'release-plugins/gpu.yaml', rule: 'slot-conflict', severity: 'error' }]);
  });

  it('only warns about untouched files, once', () => {
    const { findings } = judge({ base: [viewer, gpu], changes: added(samplePlugin('other', { port: 1 })) });
    expect(findings).toMatchObject([{ file: PATH, rule: 'slot-conflict', severity: 'warning' }]);
  });

  it('says it on both files when both are touched', () => {
    expect(judge({ changes: added(viewer, gpu) }).findings.map(({ file }) => file)).toEqual([
      'release-plugins/gpu.yaml',
      PATH,
    ]);
  });

  it('never minds a shared slot', () => {
    const configuration = configurationOf(['slots: { shared: [system.plugin_center] }']);
    expect(judge({ configuration, base: [gpu], changes: added(viewer) }).findings).toEqual([]);
  });

  it('proposes a port that is free', () => {
    const base = [samplePlugin('a', { port: 8080 }), samplePlugin('b', { port: 8081 })];
    const { findings } = judge({ base, changes: added(samplePlugin('log-viewer')) });
    expect(findings).toMatchObject([{ file: PATH, line: 12, column: 11, rule: 'port-conflict', severity: 'error' }]);
    expect(findings[0]?.message).toBe('Port 8080 also belongs to a (release-plugins/a.yaml:12).');
    expect(findings[0]?.fix).toContain('port: 8082');
  });

  it.each<[string, FileChange]>([
    ['deleted', { status: 'removed', path: gpu.path }],
    ['renamed to the one that takes over', { status: 'renamed', path: PATH, previousPath: gpu.path, file: viewer }],
  ])('sees the slot free when the other plugin is %s', (_, change) => {
    const changes = change.status === 'removed' ? [change, ...added(viewer)] : [change];
    expect(judge({ base: [gpu], changes }).findings).toEqual([]);
  });

  it('is not hidden by a fault elsewhere in the other file', () => {
    const broken = sourceFile(
      gpu.path,
      pluginText('gpu', { ...shared, port: 9090 }).replace("value: '9090'", 'value: 9090'),
    );
    expect(judge({ base: [broken], changes: added(viewer) }).findings).toMatchObject([{ rule: 'slot-conflict' }]);
  });

  it('warns about another open pull request and names it', () => {
    const openPullRequests = [
      { number: 12, files: [samplePlugin('gpu', { ...shared, port: 8080 })] },
      {
        number: 14,
        files: [samplePlugin('log-viewer', { ...shared, version: 'v3.0.0' }), samplePlugin('tpu', shared)],
      },
    ];
    const { findings } = judge({ changes: added(viewer), openPullRequests });
    expect(brief(findings)).toEqual([
      'same-plugin 1:1 warning',
      'port-conflict 12:11 warning',
      'slot-conflict 42:7 warning',
    ]);
    expect(findings[0]?.message).toBe('Open pull request #14 changes log-viewer too.');
    expect(findings[1]?.message).toContain('open pull requests #12, #14');
    expect(findings[2]?.message).toContain('gpu (release-plugins/gpu.yaml:42), tpu (release-plugins/tpu.yaml:42)');
    const known = judge({ base: [gpu], changes: added(viewer), openPullRequests: [{ number: 12, files: [gpu] }] });
    expect(brief(known.findings)).toEqual(['slot-conflict 42:7 error']);
  });
});

describe('many conflicts', () => {
  const slots = Array.from({ length: 25 }, (_, index) => `user.slot-${index}`);
  const rival = samplePlugin('rival', { slots, port: 1 });
  const gpu = samplePlugin('gpu', { slots: ['system.plugin_center'], port: 2 });
  const viewer = samplePlugin('log-viewer', { slots: [...slots, 'system.plugin_center'], port: 3 });

  it('with another pull request do not hide the one that fails', () => {
    const openPullRequests = [{ number: 12, files: [rival] }];
    const { findings } = judge({ base: [gpu], changes: added(viewer), openPullRequests });
    expect(findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([
      "Slot 'system.plugin_center' also belongs to gpu (release-plugins/gpu.yaml:42).",
    ]);
    const warnings = findings.filter(({ severity }) => severity === 'warning');
    expect(warnings).toHaveLength(20);
    expect(warnings.filter(({ message }) => message.endsWith('There are more of this kind, not shown.'))).toHaveLength(
      1,
    );
  });

  it('are shown in part, as warnings too where the rule only warns', () => {
    const configuration = configurationOf(['rules: { slot-conflict: warning }']);
    const { findings } = judge({ configuration, base: [rival], changes: added(viewer) });
    expect(findings).toHaveLength(20);
  });
});

describe('ports', () => {
  it.each([
    ['65535', 65_535],
    ['-5', -5],
    ['80.5', 80.5],
    ['70000', 70_000],
  ])('are not proposed after %s', (_, port) => {
    const base = [samplePlugin('a', { port })];
    const { findings } = judge({ base, changes: added(samplePlugin('log-viewer', { port })) });
    expect(findings.find(({ rule }) => rule === 'port-conflict')?.fix).toBe('Take a port that no plugin has.');
  });
});

describe('deleting and renaming', () => {
  const file = samplePlugin('log-viewer');
  const pullRequest = { number: 7, title: 'x', body: '', author: 'ada' };

  it('is valid, releases nothing and needs no form', () => {
    const gone = judge({ base: [file], changes: [{ status: 'removed', path: PATH }], pullRequest });
    expect(gone).toEqual({ findings: [], plugins: [] });
    const renamed = sourceFile('release-plugins/log-reader.yaml', GOOD);
    const changes: FileChange[] = [{ status: 'renamed', path: renamed.path, previousPath: PATH, file: renamed }];
    const moved = judge({ base: [file], changes, pullRequest });
    expect(brief(moved.findings)).toEqual(['metadata-name 2:9 warning']);
    expect(moved.plugins).toEqual([]);
  });

  it('is seen where GitHub reports a removed file and an added one', () => {
    const renamed = sourceFile('release-plugins/log-reader.yaml', GOOD);
    const copy = sourceFile('release-plugins/log-copy.yaml', GOOD);
    const changes: FileChange[] = [...added(renamed), { status: 'removed', path: PATH }];
    const moved = judge({ base: [file], changes, pullRequest });
    expect(brief(moved.findings)).toEqual(['metadata-name 2:9 warning']);
    expect(moved.plugins).toEqual([]);
    // One file is renamed to one; the other one is a copy, and new.
    const twice = judge({ base: [file], changes: [...changes, ...added(copy)] });
    expect(twice.findings.map(({ rule }) => rule)).toContain('image-reference');
    const other = samplePlugin('log-reader');
    const edited = judge({ base: [file], changes: [...added(other), { status: 'removed', path: PATH }] });
    expect(edited.plugins.map(({ plugin }) => plugin)).toEqual(['log-reader']);
  });

  it('is a new plugin when the content changes as well', () => {
    const renamed = samplePlugin('log-reader');
    const changes: FileChange[] = [{ status: 'renamed', path: renamed.path, previousPath: PATH, file: renamed }];
    expect(judge({ base: [file], changes })).toMatchObject({ findings: [], plugins: [{ plugin: 'log-reader' }] });
  });
});
