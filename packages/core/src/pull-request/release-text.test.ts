import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Plugin } from '../plugin/plugin.ts';
import type { ReleaseRecord } from './release-record.ts';
import { complainAboutRoom, formatRecord, parseRecordText } from './release-text.ts';

const LIMIT = 65_535;
const COMMIT = 'c'.repeat(40);
const hash = (text: string, digits = 64): string => createHash('sha256').update(text).digest('hex').slice(0, digits);

function makePlugin(index: number, isBound: boolean): Plugin {
  const plugin = `observability-agent-${index}`;
  const source = `registry.internal.example.com/platform/compass-plugins-${plugin}:v1.${index}.0`;
  const target = `harbor.example.com/release/compass-plugins-${plugin}:v1.${index}.0`;
  const bound = { digest: `sha256:${hash(plugin)}`, platforms: ['linux/amd64', 'linux/arm64'] };
  const image = { source, target, name: plugin, ...(isBound && bound) };
  const file = `release-plugins/${plugin}.yaml`;
  return { plugin, version: `v1.${index}.0`, file, commit: COMMIT, blob: hash(file, 40), images: [image] };
}

function makeRecord(count: number, state: 'intent' | 'done'): ReleaseRecord {
  const isDone = state === 'done';
  const plugins = Array.from({ length: count }, (_, index) => makePlugin(index, isDone));
  const packages = plugins.map(({ plugin, version, commit, images }, index) => {
    const name = `compass-plugins-${plugin}-${version}.tar.gz`;
    const place = {
      file: `/home/runner/work/_temp/slipway/${name}`,
      uri: `oss://infra-release/plugins/${plugin}/${name}`,
    };
    return { plugin, version, commit, images, ...place, sha256: hash(version + plugin), size: 987_654_321 + index };
  });
  const who = { pullRequest: 7, commit: COMMIT, by: 'ada', approvedBy: ['lin'], at: '2026-01-01T00:00:00.000Z' };
  return { version: 1, state, ...who, plugins, packages: isDone ? packages : [] };
}

it.each([1, 40, 100, 256])('holds a release of %i plugins from the intent to the end', (count) => {
  expect(complainAboutRoom(makeRecord(count, 'intent'))).toBeUndefined();
  for (const state of ['intent', 'done'] as const) {
    const record = makeRecord(count, state);
    const text = formatRecord(record);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LIMIT);
    expect(parseRecordText(text)).toEqual(record);
    // GitHub may hand it out with other line ends.
    expect(parseRecordText(text.replaceAll('\n', '\r\n'))).toEqual(record);
  }
});

it('is for people to read as long as it can be', () => {
  expect(formatRecord(makeRecord(3, 'done'))).toMatch(/^```json\n\{"version":1,/);
  expect(formatRecord(makeRecord(100, 'done'))).toMatch(/^```brotli\n/);
});

it('says of what will not fit that it must be split, before anything of it is released', () => {
  const record = makeRecord(900, 'intent');
  expect(Buffer.byteLength(formatRecord(record))).toBeLessThanOrEqual(LIMIT);
  expect(complainAboutRoom(record)).toMatch(/900 plugins.*Split the pull request/);
  expect(() => formatRecord(makeRecord(900, 'done'))).toThrow(expect.objectContaining({ code: 'release-too-large' }));
});

it.each(['', 'x', '```json\n{\n```', '```brotli\n!\n```', '```yaml\na: 1\n```'])('reads nothing out of %j', (text) => {
  expect(parseRecordText(text)).toBeUndefined();
});
