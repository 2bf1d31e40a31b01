import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, commit, packageFiles, setUp, tearDown } from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

/** A zip without files: the shortest one that is valid. */
const ZIP = Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)]);

describe('zips among the packages', () => {
  it('are findings with the version whose place they take', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    await build('production').result;
    await commit('staging', ['production'], {
      ...packageFiles('tcp', '1.0.0', { 'docs/more.zip': ZIP, 'docs/not-really.zip': 'text' }),
      'packages/log/log-1.0.0.zip': ZIP,
    });
    const { findings, result } = await build('staging').result;
    expect([result, findings.map(({ file, rule, severity }) => [file, rule, severity])]).toEqual([
      'built',
      [
        ['packages/log/log-1.0.0.zip', 'package-zip', 'warning'],
        ['packages/tcp/1.0.0/docs/more.zip', 'package-zip', 'warning'],
      ],
    ]);
    expect(findings[0]?.message).toContain("served in the place of log-1.0.0 of 'production'");
  });

  it('beside package versions are told of every time, for they are seen without being looked for', async () => {
    await commit('production', [], { ...packageFiles('log', '1.0.0'), 'packages/any.zip': ZIP });
    const findings = [(await build('production').result).findings, (await build('production').result).findings];
    expect(findings.map((each) => each.map(({ file }) => file))).toEqual([['packages/any.zip'], ['packages/any.zip']]);
  });
});
