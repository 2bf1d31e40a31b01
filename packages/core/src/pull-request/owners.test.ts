import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryFiles } from '../github/directory-files.ts';
import { readOwners } from './owners.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'owners-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function read(files: Readonly<Record<string, string>>) {
  const warnings: string[] = [];
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const log = { info: () => undefined, warning: (message: string) => warnings.push(message) };
  return readOwners(new DirectoryFiles(directory), log).then((found) => ({
    owners: found?.approvers,
    problem: found?.problem,
    warnings,
  }));
}

describe('readOwners', () => {
  it('finds no owners where there is no OWNERS file', async () => {
    expect((await read({})).owners).toBeUndefined();
  });

  it('takes the approvers, without regard to case, and not the reviewers', async () => {
    const { owners } = await read({ OWNERS: 'approvers: [Lin-Wei, maria-k]\nreviewers: [somebody]\n' });
    expect(owners).toEqual(['lin-wei', 'maria-k']);
  });

  it('replaces aliases by their members, each once', async () => {
    const { owners } = await read({
      OWNERS: 'approvers: [platform, lin-wei]\n',
      OWNERS_ALIASES: 'aliases: { platform: [lin-wei, Chen] }\n',
    });
    expect(owners).toEqual(['lin-wei', 'chen']);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['OWNERS is broken', { OWNERS: 'approvers: [\n' }, /^OWNERS:\d+: /],
    ['OWNERS is no mapping', { OWNERS: '- ada\n' }, /^OWNERS is no mapping/],
    ['OWNERS is empty', { OWNERS: '' }, /^OWNERS:1: the file is empty/],
    [
      'OWNERS_ALIASES is broken',
      { OWNERS: 'approvers: [platform, ada]\n', OWNERS_ALIASES: 'aliases: [\n' },
      /^OWNERS_ALIASES:\d+: /,
    ],
  ])('finds nobody, and says why, when %s', async (_, files, why) => {
    const { owners, problem, warnings } = await read(files);
    expect(owners).toEqual([]);
    expect(problem).toMatch(why);
    expect(warnings[0]).toMatch(why);
  });

  it('gives an alias without members to nobody', async () => {
    const files = { OWNERS: 'approvers: [platform]\n', OWNERS_ALIASES: 'aliases: { platform: }\n' };
    expect((await read(files)).owners).toEqual([]);
  });
});
