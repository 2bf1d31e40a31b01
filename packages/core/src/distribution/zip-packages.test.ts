import { describe, expect, it } from 'vitest';
import { findZipPackages } from './zip-packages.ts';

/** A zip begins like this; nobody looks further. */
const ZIP = 'PK\x03\x04';

const LOG = { distribution: 'production', name: 'log', version: '1.0.0-beta.1' };

function find(files: Readonly<Record<string, string>>) {
  const names = Object.keys(files).map((path) => ({ path, id: path }));
  return findZipPackages(names, { read: async (id) => Buffer.from(files[id] ?? '', 'latin1') }, [LOG]);
}

describe('findZipPackages', () => {
  it('names the directory that a zip takes the place of, and who would have served it', async () => {
    const findings = await find({ 'packages/log/log-1.0.0-beta.1.zip': ZIP });
    expect(findings).toMatchObject([
      { file: 'packages/log/log-1.0.0-beta.1.zip', rule: 'package-zip', severity: 'warning' },
    ]);
    expect(findings[0]?.message).toContain("in the place of log-1.0.0-beta.1 of 'production'");
  });

  it('finds zips however deep, and empty ones', async () => {
    const files = { 'packages/a.zip': 'PK\x05\x06', 'packages/log/1.0.0/docs/more/b.zip': ZIP };
    const findings = await find(files);
    expect(findings.map(({ file }) => file)).toEqual(Object.keys(files));
    expect(findings[0]?.message).toContain('before every directory');
  });

  it('passes over what a registry passes over', async () => {
    const files = {
      'packages/log/1.0.0/not-really.zip': 'text',
      'packages/log/1.0.0/b.ZIP': ZIP,
      'packages/log/1.0.0/zip': ZIP,
      'tools/c.zip': ZIP,
    };
    expect(await find(files)).toEqual([]);
  });
});
