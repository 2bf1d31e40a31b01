import { describe, expect, it } from 'vitest';
import validate from '../../generated/plugin.cjs';
import { RULES } from '../pull-request/rules.ts';
import { findViolations } from '../util/json-schema.ts';
import { parseYaml } from '../util/yaml-document.ts';
import { added, brief, judgeWith, pluginText, sourceFile } from './testing.ts';
import { isVersion } from './version.ts';

const PATH = 'release-plugins/log-viewer.yaml';
const judge = judgeWith(RULES);
const GOOD = pluginText('log-viewer');

function judgeText(text: string | Buffer) {
  return judge({ changes: added(sourceFile(PATH, text)) }).findings;
}

describe('the schema', () => {
  it.each<[string, string | RegExp, string, string, string, string]>([
    [
      'a missing key',
      '    image: harbor.example.com/release/acme-plugins-log-viewer:v0.1.0\n',
      '',
      'schema 11:3',
      "spec.service has no 'image'.",
      'image:',
    ],
    ['a missing alias', '  alias: 日志查看\n', '', 'schema 1:1', "metadata has no 'alias'.", 'alias:'],
    ['missing slots', / {4}slots:\n.*\n/, '', 'schema 34:5', "spec.modules[0] has no 'slots'.", 'slots: []'],
    [
      'a port in quotes',
      'port: 8080',
      "port: '8080'",
      'schema 12:12',
      "spec.service.port is the string '8080', not a whole number.",
      'port: 8080',
    ],
    ['a port of 0', 'port: 8080', 'port: 0', 'schema 12:11', 'spec.service.port is 0, less than 1.', 'from 1 to 65535'],
    [
      'a port beyond the last',
      'port: 8080',
      'port: 65536',
      'schema 12:11',
      'spec.service.port is 65536, more than 65535.',
      'from 1 to 65535',
    ],
    [
      'a broken port',
      'port: 8080',
      'port: 80.5',
      'schema 12:11',
      'spec.service.port is the number 80.5, not a whole number.',
      'whole number',
    ],
    [
      'a number as an environment value',
      "value: '8080'",
      'value: 0.10 # tenth',
      'schema 17:16',
      'spec.service.configs.envs[0].value is the number 0.1, not a string.',
      "value: '0.10'",
    ],
    [
      'a boolean as an environment value',
      "value: '8080'",
      'value: true',
      'schema 17:16',
      'spec.service.configs.envs[0].value is true, not a string.',
      "value: 'true'",
    ],
    [
      'a name that no variable can have',
      'name: SERVER_PORT',
      'name: "1 PORT"',
      'schema 16:16',
      "spec.service.configs.envs[0].name is '1 PORT', which no environment variable can be called.",
      'SERVER_PORT',
    ],
    [
      'a version that is a number',
      'version: v0.1.0',
      'version: 1.0',
      'schema 6:12',
      'spec.version is the number 1, not a string.',
      'version: v1.0.0',
    ],
    [
      'a word for a boolean',
      'privileged: false',
      'privileged: no',
      'schema 23:19',
      "spec.service.security.privileged is the string 'no', not true or false.",
      'privileged: false',
    ],
    [
      'a quantity with a wrong unit',
      'memory: 512Mi',
      'memory: 512MB',
      'schema 29:17',
      "spec.service.resources.limits.memory is '512MB', which is no quantity.",
      '512Mi',
    ],
    [
      'one slot without a list',
      /slots:\n {4}- (.*)\n/,
      'slots: $1\n',
      'schema 41:12',
      "spec.modules[0].slots is the string 'user.log-viewer', not a list.",
      "slots: ['user.log-viewer']",
    ],
    [
      'a key without a value',
      'note: 查看和检索容器日志',
      'note:',
      'schema 9:3',
      'spec.note is nothing, not a string.',
      'remove the key',
    ],
    ['an empty alias', 'alias: 日志查看', "alias: ''", 'schema 3:11', 'metadata.alias is empty.', 'a value'],
  ])('reports %s', (_, from, to, expected, message, fix) => {
    const text = GOOD.replace(from, to);
    expect(text).not.toBe(GOOD);
    const findings = judgeText(text).filter(({ rule }) => rule !== 'version-format');
    expect(brief(findings).map((line) => line.slice(0, expected.length))).toEqual([expected]);
    expect(findings[0]?.message).toBe(message);
    expect(findings[0]?.fix).toContain(fix);
  });

  it('shows long and wild values in part', () => {
    const wild = `${'x'.repeat(100_000)}\u202e`;
    const text = GOOD.replace('cpu: 100m', `? "a/${'x'.repeat(100_000)}"\n        : bad`)
      .replace('  class: log-viewer', `  class: [${wild}]\n  "k\\n::error::${wild}": 1`)
      .replace('privileged: false', `privileged: ${'9'.repeat(100_000)}`);
    const findings = judgeText(text);
    expect(findings.map(({ rule }) => rule)).toEqual(['schema', 'unknown-key', 'schema', 'schema']);
    for (const { message, fix } of findings) {
      expect(message.length).toBeLessThanOrEqual(501);
      expect(fix.length).toBeLessThanOrEqual(501);
      expect(message + fix).not.toMatch(/\p{Cc}|\p{Cf}/u);
    }
  });

  it('has no place for half a character', () => {
    const findings = judgeText(GOOD.replace('port: 8080', `port: "${'x'.repeat(99)}😀"`));
    expect(findings[0]?.message.isWellFormed()).toBe(true);
  });

  it('knows a version as semver does', () => {
    for (const version of [
      'v1.0.0-0',
      'v1.0.0-0a.1',
      'v1.0.0--',
      'v1.0.0-01',
      'v1.0.0-a.00',
      'v1.0.0-a..b',
      'v01.0.0',
    ]) {
      const violations = findViolations(validate, parseYaml(pluginText('log-viewer', { version })).value);
      expect.soft(violations.length === 0, version).toBe(isVersion(version));
    }
  });

  it.each([
    [
      'a slip of the pen',
      '    port: 8080',
      '    prot: 1\n    port: 8080',
      'unknown-key 12:5 warning',
      "Did you mean 'port'?",
    ],
    ['a key of another place', 'spec:', 'port: 1\nspec:', 'unknown-key 4:1 warning', 'Move it to spec.service'],
    [
      'a key of the top',
      '  class:',
      '  metadata: {}\n  class:',
      'unknown-key 5:3 warning',
      'Move it to the top level, or',
    ],
    [
      'a key of no place',
      '    alias:\n',
      '    colour: red\n    alias:\n',
      'unknown-key 35:5 warning',
      'known here: name, alias, icon, sources, slots',
    ],
    [
      'a language',
      '      en: log-viewer',
      '      en: log-viewer\n      de: Protokolle',
      'unknown-key 38:7 warning',
      'known here: zh, en',
    ],
    ['a prototype', 'spec:', '__proto__: { port: 1 }\nspec:', 'unknown-key 4:1 warning', 'Remove it'],
  ])('warns about %s', (_, from, to, expected, fix) => {
    const findings = judgeText(GOOD.replace(from, to));
    expect(brief(findings)).toEqual([expected]);
    expect(findings[0]?.fix).toContain(fix);
  });
});
