import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULES } from '../pull-request/rules.ts';
import { parsePlugin } from './plugin.ts';
import {
  added,
  brief,
  configurationOf,
  judgeWith,
  pluginText,
  SAMPLE_COMMIT,
  samplePlugin,
  sourceFile,
} from './testing.ts';

const judge = judgeWith(RULES);
const PATH = 'release-plugins/log-viewer.yaml';
const GOOD = pluginText('log-viewer');

function judgeText(text: string | Buffer) {
  return judge({ changes: added(sourceFile(PATH, text)) }).findings;
}

describe('a good plugin', () => {
  it('has no findings and is released with its one image', () => {
    const file = samplePlugin('log-viewer', { version: 'v1.2.0-beta.1' });
    const { findings, plugins } = judge({ changes: added(file) });
    expect(findings).toEqual([]);
    expect(plugins).toEqual([
      {
        plugin: 'log-viewer',
        version: 'v1.2.0-beta.1',
        file: PATH,
        commit: SAMPLE_COMMIT,
        blob: file.id,
        images: [
          {
            source: 'cargo.example.com/team/acme-plugins-log-viewer:v1.2.0-beta.1',
            target: 'harbor.example.com/release/acme-plugins-log-viewer:v1.2.0-beta.1',
            name: 'log-viewer',
          },
        ],
      },
    ]);
    expect(plugins.map((plugin) => parsePlugin(plugin, 'test'))).toEqual(plugins);
  });

  it.each([
    ['no optional keys', / {4}configs:[\s\S]*? {2}modules:/, '  modules:'],
    ['an alias in two languages', 'alias: 日志查看', 'alias: { zh: 日志查看, en: Log viewer }'],
    ['a module without an icon', "    icon: '/src/img/icon.svg'\n", ''],
    ['numbers as quantities', "cpu: '0.5'", 'cpu: 2'],
    ['an extended resource', "cpu: '0.5'", 'example.com/gpu: 1'],
    ['an environment variable without a value', "        value: '8080'\n", ''],
    ['the same slot in two modules', 'slots:\n', 'slots:\n    - user.log-viewer\n'],
    ['Windows line ends', /\n/g, '\r\n'],
    ['a byte order mark', /^/, '\uFEFF'],
  ])('may have %s', (_, from, to) => {
    const text = GOOD.replace(from, to);
    expect(text).not.toBe(GOOD);
    expect(judgeText(text)).toEqual([]);
  });
});

describe('the configured level', () => {
  const changes = added(samplePlugin('log-viewer', { name: 'x', version: 'v0.1.0', image: 'a.example.com/b:c' }));

  it('makes a rule an error, a warning, or silent', () => {
    const configuration = configurationOf(['rules: { metadata-name: error, image-reference: warning }']);
    const { findings } = judge({ configuration, changes });
    expect(findings.map(({ rule, severity }) => [rule, severity])).toEqual([
      ['metadata-name', 'error'],
      ['image-reference', 'warning'],
      ['pull-request-images', 'error'],
    ]);
    const off = configurationOf(['rules: { metadata-name: off, image-reference: off, pull-request-images: off }']);
    expect(judge({ configuration: off, changes }).findings).toEqual([]);
  });

  it('never makes a warning about somebody else an error', () => {
    const configuration = configurationOf(['rules: { port-conflict: error }']);
    const { findings } = judge({ configuration, base: [samplePlugin('a'), samplePlugin('b')] });
    expect(findings).toMatchObject([{ rule: 'port-conflict', severity: 'warning' }]);
  });

  it('must be that of a rule', () => {
    const configuration = configurationOf(['rules: { port-conflicts: off }']);
    expect(() => judge({ configuration })).toThrow("no rule 'port-conflicts'. Did you mean 'port-conflict'?");
  });
});

describe('a whole repository', () => {
  it('judges and lists every file, in order', () => {
    const base = [samplePlugin('b', { port: 2 }), samplePlugin('a', { port: 1, name: 'x' })];
    const { findings, plugins } = judge({ base, scope: 'all' });
    expect(brief(findings)).toEqual(['metadata-name 2:9 warning']);
    expect(plugins.map(({ plugin }) => plugin)).toEqual(['a', 'b']);
  });

  it('gives the same result whatever the order of its input', () => {
    const base = Array.from({ length: 500 }, (_, index) =>
      samplePlugin(`plugin-${index}`, { port: 1000 + (index % 400) }),
    );
    const result = judge({ base, scope: 'all' });
    expect(judge({ base: base.toReversed(), scope: 'all' })).toEqual(result);
    expect(result.plugins).toHaveLength(500);
    expect(result.findings).toHaveLength(200);
  });
});

const root = join(import.meta.dirname, '../../../..');
const REAL = join(root, '..', 'shared', 'data', 'release-plugins');

describe.skipIf(!existsSync(REAL))('real plugins', () => {
  const base = (existsSync(REAL) ? readdirSync(REAL) : []).map((name) =>
    sourceFile(`release-plugins/${name}`, readFileSync(join(REAL, name))),
  );
  const configuration = configurationOf([]);
  const plugins = { ...configuration.plugins, prefix: 'compass-plugins-', target: 'harbor.caicloud.xyz/release' };

  it('conflict on one slot, and on nothing else', () => {
    const { findings, plugins: released } = judge({ configuration: { ...configuration, plugins }, base, scope: 'all' });
    expect(findings.map(({ rule, severity }) => [rule, severity])).toEqual([
      ['slot-conflict', 'error'],
      ['slot-conflict', 'error'],
    ]);
    for (const { message } of findings) expect(message).toContain("'system.plugin_center'");
    expect(released.map(({ plugin }) => plugin)).toEqual(['cd-manager', 'gpu-manager']);
  });

  it('are right one by one', () => {
    for (const file of base) {
      const result = judge({ configuration: { ...configuration, plugins }, changes: added(file) });
      expect(result.findings).toEqual([]);
    }
  });
});
