import { describe, expect, it } from 'vitest';
import { RULES } from '../pull-request/rules.ts';
import type { SourceImage } from './subject.ts';
import { added, brief, judgeWith, samplePlugin } from './testing.ts';

const judge = judgeWith(RULES);

describe('pushed images', () => {
  const source = 'cargo.example.com/team/acme-plugins-';

  function images(plugins: readonly string[], ...references: string[]) {
    return judge({
      changes: added(...plugins.map((name, index) => samplePlugin(name, { port: 1000 + index }))),
      images: references.map((reference, index) => ({ reference, line: index + 1 })),
    });
  }

  it('belong to the plugin with the longest name', () => {
    const references = ['logs-web:v0.1.0', 'logs-web-ui:v9', 'logs:v0.1.0', 'logs-job:v0.2.0', 'logs:v0.1.0'].map(
      (name) => source + name,
    );
    const { findings, plugins } = images(['logs', 'logs-web'], ...references);
    expect(findings).toEqual([]);
    expect(plugins.map(({ plugin, images: list }) => [plugin, list.map(({ name }) => name)])).toEqual([
      ['logs', ['logs', 'logs-job']],
      ['logs-web', ['logs-web', 'logs-web-ui']],
    ]);
    expect(plugins[0]?.images[1]).toEqual({
      source: `${source}logs-job:v0.2.0`,
      target: 'harbor.example.com/release/acme-plugins-logs-job:v0.2.0',
      name: 'logs-job',
    });
  });

  it.each([
    [
      'outside of the source',
      'other.example.com/team/acme-plugins-logs:v0.1.0',
      /not one of the images that are released/,
    ],
    [
      'in another namespace',
      'cargo.example.com/team/x/acme-plugins-logs:v0.1.0',
      /not one of the images that are released/,
    ],
    ['without the prefix', 'cargo.example.com/team/logs:v0.1.0', /not one of the images that are released/],
    ['of no plugin', `${source}metrics:v0.1.0`, /belongs to no plugin/],
    ['of a plugin that only begins alike', `${source}logsweb:v0.1.0`, /belongs to no plugin/],
    ['that is no reference', `${source}Logs:v0.1.0`, /is no image reference/],
    ['without a tag', `${source}logs-job`, /has no tag/],
  ])('may not be %s', (_, reference, message) => {
    const { findings } = images(['logs'], `${source}logs:v0.1.0`, reference);
    expect(brief(findings)).toEqual(['pull-request-images 2:1 error']);
    expect(findings[0]?.file).toBe('');
    expect(findings[0]?.message).toMatch(message);
  });

  it('point at the line where they are listed', () => {
    const { findings } = judge({
      changes: added(samplePlugin('logs')),
      images: [
        { reference: `${source}logs:v0.1.0`, line: 3 },
        { reference: 'nonsense', line: 7 },
      ],
    });
    expect(brief(findings)).toEqual(['pull-request-images 7:1 error']);
  });

  it('that are not there are pushed, and those that cannot be asked for are not', () => {
    const sourceImages = new Map<string, SourceImage>([
      [`${source}logs:v0.1.0`, { missing: true }],
      [`${source}gpu:v0.1.0`, { problem: 'the registry wants a password.' }],
    ]);
    const changes = added(samplePlugin('logs', { port: 1 }), samplePlugin('gpu', { port: 2 }));
    const { findings } = judge({ changes, sourceImages });
    expect(findings.map(({ file, rule, fix }) => [file, rule, fix])).toEqual([
      ['release-plugins/gpu.yaml', 'source-image', 'Mend that and run again; the file need not be changed for it.'],
      ['release-plugins/logs.yaml', 'source-image', `Push it: docker push ${source}logs:v0.1.0`],
    ]);
    expect(findings[0]?.message).toContain('the registry wants a password.');
  });

  it('may not be of a plugin that the change leaves alone', () => {
    const { findings } = judge({
      base: [samplePlugin('logs')],
      changes: added(samplePlugin('gpu', { port: 1 })),
      images: [{ reference: `${source}logs:v0.1.0`, line: 1 }],
    });
    expect(findings).toMatchObject([{ rule: 'pull-request-images' }]);
    expect(findings[0]?.message).toContain('which this change does not release');
  });

  it('may not share an archive name', () => {
    const { findings, plugins } = images(
      ['logs'],
      `${source}logs:v0.1.0`,
      `${source}logs-job:v1`,
      `${source}logs-job:v2`,
    );
    expect(findings[0]?.message).toContain('acme-plugins-logs-logs-job-<version>-image.tar.gz');
    expect(plugins).toEqual([]);
  });

  it('must hold the image of the service', () => {
    const { findings, plugins } = images(['logs'], `${source}logs:v0.1.0-rc`);
    expect(findings).toMatchObject([{ file: 'release-plugins/logs.yaml', line: 13, rule: 'pull-request-images' }]);
    expect(findings[0]?.fix).toBe(`Push it and add the line: ${source}logs:v0.1.0`);
    expect(plugins).toEqual([]);
  });
});
