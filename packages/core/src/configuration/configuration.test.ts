import { describe, expect, it } from 'vitest';
import { need, needAll, parseConfiguration } from './configuration.ts';

describe('parseConfiguration', () => {
  it.each([
    ['there is no file', undefined],
    ['the file is empty', ''],
    ['everything is commented out', '# plugins:\n#   prefix: acme-\n'],
  ])('gives the defaults where %s', (_, source) => {
    expect(parseConfiguration(source).plugins).toMatchObject({ directory: 'release-plugins', prefix: '' });
  });

  it.each(['.', '..', '../plugins', 'a/..', 'a/./b', './a', 'a//b', '/a', 'a/'])('refuses the directory %s', (text) => {
    expect(() => parseConfiguration(`plugins: { directory: ${text} }`)).toThrow(
      /^\.github\/slipway\.yaml:1:\d+: .*without \. and \.\. in it/,
    );
  });

  it.each(['plugins', '.plugins', 'a/b-c/.d', '..a', 'a..b'])('takes the directory %s', (text) => {
    expect(parseConfiguration(`plugins: { directory: ${text} }`).plugins.directory).toBe(text);
  });

  it.each([
    ['plugins:\n  perfix: x\n', /slipway\.yaml:2:3: .*'perfix'.*Did you mean 'prefix'\?/],
    ['plugin:\n  prefix: x\n', /slipway\.yaml:1:1: .*'plugin'.*Did you mean 'plugins'\?/],
    ['registries:\n  a.example.com:\n    plain-htp: true\n', /slipway\.yaml:3:5: .*Did you mean 'plain-http'\?/],
    ['oss:\n  colour: red\n', /Known here: region, endpoint, secure\. See/],
  ])('says what an unknown key means: %j', (source, message) => {
    expect(() => parseConfiguration(source)).toThrow(message);
  });
});

describe('settings that are needed', () => {
  const configuration = parseConfiguration('plugins: { team: acme/release }');

  it('are returned', () => {
    expect(need(configuration, 'plugins.team')).toBe('acme/release');
    expect(needAll(configuration, ['plugins.team'])).toEqual({ 'plugins.team': 'acme/release' });
  });

  it('are asked for together, below their mapping', () => {
    const settings = ['plugins.source', 'plugins.team', 'oss.region', 'plugins.target'] as const;
    expect(() => needAll(configuration, settings)).toThrow(
      'plugins.source and oss.region and plugins.target are not configured. Add to .github/slipway.yaml:\n\n' +
        'plugins:\n' +
        '  source: cargo.example.com/team   # where engineers push images\n' +
        '  target: harbor.example.com/release   # where released images live\n' +
        'oss:\n',
    );
  });
});
