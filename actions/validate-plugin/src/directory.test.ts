import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { pluginText } from '@slipway/core/plugin/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { type Outputs, run } from './run.ts';

let directory: string;
let root: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'validate-directory-'));
  root = join(directory, 'checkout');
  await mkdir(join(root, '.github'), { recursive: true });
  await writeFile(
    join(root, '.github/slipway.yaml'),
    'plugins: { prefix: acme-plugins-, source: cargo.example.com/team, target: harbor.example.com/release }\n',
  );
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Nobody says where a GitHub is: there is none to ask. */
const validate = (path: string, texts: Readonly<Record<string, string>> = {}): Promise<Outputs> =>
  run(inputsFrom(inputs, { directory: path, ...texts }), recordRuntime());

describe('a directory on disk', () => {
  it('is checked with its own configuration and without GitHub', async () => {
    await mkdir(join(root, 'release-plugins'));
    await writeFile(join(root, 'release-plugins/logs.yaml'), pluginText('logs'));
    const outputs = await validate(root);
    expect(outputs).toMatchObject({ valid: true, commit: '', plugins: [{ plugin: 'logs', commit: '' }] });
    expect(outputs.plugins[0]?.images[0]?.source).toBe('cargo.example.com/team/acme-plugins-logs:v0.1.0');
    await expect(validate(root, { commit: 'a'.repeat(40) })).rejects.toThrow(/goes with neither/);
    await expect(validate(join(root, 'absent'))).rejects.toThrow(/there is no directory/);
    await expect(validate('')).rejects.toThrow(/give input 'directory'/);
  });

  it('must hold the directory of the plugins', async () => {
    await expect(validate(root)).rejects.toThrow(/no directory release-plugins/);
    await writeFile(join(root, 'release-plugins'), '');
    await expect(validate(root)).rejects.toThrow(/that is a file/);
  });

  it('gets findings for whatever else is in the directory', async () => {
    await mkdir(join(root, 'release-plugins/sub'), { recursive: true });
    await writeFile(join(root, 'release-plugins/logs.yaml'), pluginText('logs'));
    await writeFile(join(root, 'release-plugins/sub/logs.yaml'), pluginText('logs'));
    await writeFile(join(root, 'release-plugins/sub/notes'), '');
    await writeFile(Buffer.from(`${root}/release-plugins/\xff.yaml`, 'latin1'), '');
    await promisify(execFile)('mkfifo', [join(root, 'release-plugins/pipe.yaml')]);
    const outputs = await validate(root);
    expect(outputs.findings.map(({ file, rule, severity }) => [file, rule, severity])).toEqual([
      ['release-plugins/pipe.yaml', 'file-kind', 'error'],
      ['release-plugins/sub/logs.yaml', 'file-kind', 'error'],
      ['release-plugins/sub/notes', 'file-kind', 'warning'],
      ['release-plugins/\uFFFD.yaml', 'file-name', 'error'],
    ]);
    expect(outputs.plugins.map(({ plugin }) => plugin)).toEqual(['logs']);
  });

  it('is valid in the example', async () => {
    const example = join(directory, 'example');
    await cp(join(import.meta.dirname, '../../../examples/release-repository'), example, { recursive: true });
    const outputs = await validate(example);
    expect(outputs.findings).toEqual([]);
    expect(outputs.plugins.length).toBeGreaterThan(1);
  });
});
