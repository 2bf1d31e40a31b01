import { describe, expect, it } from 'vitest';
import { RULES } from '../pull-request/rules.ts';
import { added, brief, configurationOf, judgeWith, modified, pluginText, samplePlugin, sourceFile } from './testing.ts';

const judge = judgeWith(RULES);
const PATH = 'release-plugins/log-viewer.yaml';

function judgeText(text: string | Buffer) {
  return judge({ changes: added(sourceFile(PATH, text)) }).findings;
}

describe('versions', () => {
  it.each([
    ['0.1.0', 'v0.1.0'],
    ['V1.2.3', 'v1.2.3'],
    ['v1.2', 'v1.2.0'],
    ['v1.2.3+build.5', 'v1.2.3'],
    ['v1.02.3', 'v1.2.3'],
    ['v1.2.3.4', 'v1.2.3'],
    ['latest', 'v0.1.0'],
    ['v1.0.0-01', 'v1.0.0-1'],
    ['v01.0.0-007.beta', 'v1.0.0-7.beta'],
    ['v99999999999999999999.0.0', 'v0.1.0'],
  ])('refuses %s and proposes %s', (version, proposal) => {
    const findings = judgeText(
      pluginText('log-viewer', {
        version: `"${version}"`,
        image: 'harbor.example.com/release/acme-plugins-log-viewer:x',
      }),
    );
    expect(brief(findings)).toEqual(['version-format 6:13 error']);
    expect(findings[0]?.message).toContain(`'${version}'`);
    expect(findings[0]?.fix).toContain(`version: ${proposal}`);
  });

  it.each([
    ['v0.1.0', 'v0.1.1'],
    ['v0.2.0-alpha.0', 'v0.2.0-beta'],
    ['v0.2.0-beta', 'v0.2.0-beta.1'],
    ['v0.2.0-beta.9', 'v0.2.0-beta.10'],
    ['v0.2.0-beta.1', 'v0.2.0'],
    ['v0.9.0', 'v0.10.0'],
  ])('takes %s before %s', (before, after) => {
    const base = [samplePlugin('log-viewer', { version: before })];
    expect(judge({ base, changes: modified(samplePlugin('log-viewer', { version: after })) }).findings).toEqual([]);
    const back = judge({
      base: [samplePlugin('log-viewer', { version: after })],
      changes: modified(samplePlugin('log-viewer', { version: before })),
    });
    expect(brief(back.findings)).toEqual(['version-increase 6:12 error']);
  });

  it.each([
    ['v0.1.1', 'v0.1.2'],
    ['v0.3.0-alpha.2', 'v0.3.0-alpha.3'],
    ['v0.3.0-beta', 'v0.3.0-beta.0'],
  ])('refuses a change that stays at %s and proposes %s', (version, proposal) => {
    const { findings } = judge({
      base: [samplePlugin('log-viewer', { version, port: 1 })],
      changes: modified(samplePlugin('log-viewer', { version, port: 2 })),
    });
    expect(brief(findings)).toEqual(['version-increase 6:12 error']);
    expect(findings[0]?.message).toContain(`is ${version}, not greater than ${version}`);
    expect(findings[0]?.fix).toContain(`version: ${proposal} `);
  });

  it('has nothing to compare with where the base holds no version', () => {
    const base = [sourceFile(PATH, pluginText('log-viewer').replace('v0.1.0', 'first'))];
    expect(judge({ base, changes: modified(samplePlugin('log-viewer')) }).findings).toEqual([]);
  });

  it('releases nothing where the base branch holds the same content already', () => {
    const file = samplePlugin('log-viewer');
    expect(judge({ base: [file], changes: modified(file) })).toEqual({ findings: [], plugins: [] });
  });
});

describe('the image', () => {
  const name = 'harbor.example.com/release/acme-plugins-log-viewer';

  it.each([
    [
      'another registry',
      'cargo.example.com/team/acme-plugins-log-viewer:v0.1.0',
      'the released image of this plugin is',
    ],
    ['another plugin', 'harbor.example.com/release/acme-plugins-log:v0.1.0', 'the released image of this plugin is'],
    ['no prefix', 'harbor.example.com/release/log-viewer:v0.1.0', 'the released image of this plugin is'],
    ['another version', `${name}:v0.1.1`, 'its tag is not spec.version, v0.1.0'],
    ['no tag', name, 'its tag is not spec.version, v0.1.0'],
  ])('may not be of %s', (_, image, why) => {
    const { findings, plugins } = judge({ changes: added(samplePlugin('log-viewer', { image })) });
    expect(brief(findings)).toEqual(['image-reference 13:12 error']);
    expect(findings[0]?.message).toContain(why);
    expect(findings[0]?.fix).toBe(`Write: image: ${name}:v0.1.0`);
    expect(plugins).toEqual([]);
  });

  it.each([
    ['first', name, 'it has no tag', `${name}:<version>`],
    ['1.2', `${name}`, 'it has no tag', `${name}:v1.2.0`],
    ['1.2', 'other.example.com/x', 'the released image of this plugin is', `${name}:v1.2.0`],
  ])('is judged without its tag where the version is %s', (version, image, why, right) => {
    const { findings } = judge({ changes: added(samplePlugin('log-viewer', { version: `'${version}'`, image })) });
    const found = findings.find(({ rule }) => rule === 'image-reference');
    expect(found?.message).toContain(why);
    expect(found?.message).not.toContain('undefined');
    expect(found?.fix).toBe(`Write: image: ${right}`);
  });

  it('may have any tag where the version is wrong', () => {
    const file = samplePlugin('log-viewer', { version: 'first', image: `${name}:x` });
    expect(brief(judge({ changes: added(file) }).findings)).toEqual(['version-format 6:12 error']);
  });

  it('asks for both registries at once, and only when they are needed', () => {
    const configuration = configurationOf();
    const bare = { ...configuration, plugins: { ...configuration.plugins, target: undefined, source: undefined } };
    const file = samplePlugin('log-viewer');
    expect(() => judge({ configuration: bare, changes: added(file) })).toThrow(
      /plugins\.source and plugins\.target are not configured/,
    );
    expect(judge({ configuration: bare, base: [file], changes: [{ status: 'removed', path: PATH }] }).findings).toEqual(
      [],
    );
  });

  it('may have another tag where the rule is off, but must be in the target registry', () => {
    const configuration = configurationOf(['rules: { image-reference: off }']);
    const tagged = judge({
      configuration,
      changes: added(samplePlugin('log-viewer', { image: `${name}:v0.1.0-0de04b60` })),
    });
    expect(tagged.findings).toEqual([]);
    expect(tagged.plugins[0]?.images[0]?.source).toBe('cargo.example.com/team/acme-plugins-log-viewer:v0.1.0-0de04b60');
    const elsewhere = judge({
      configuration,
      changes: added(samplePlugin('log-viewer', { image: 'other.example.com/x:v1' })),
    });
    expect(brief(elsewhere.findings)).toEqual(['pull-request-images 13:12 error']);
  });
});
