import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseYaml } from '@slipway/core/util/yaml-document';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const DOCUMENTS = ['CHANGELOG.md', 'CONTRIBUTING.md', 'RELEASING.md', 'SECURITY.md', 'docs/errors.md'];

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  it('names files that there are', () => {
    const named = [...text.matchAll(/`((?:packages|actions|scripts|test|docs|schema)\/[\w./-]+)`/g)];
    const absent = named.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)));
    expect(absent.filter((path) => !path.includes('<'))).toEqual([]);
  });
});

describe('the files that GitHub reads', () => {
  it('give owners to paths that there are', () => {
    const lines = read('.github/CODEOWNERS')
      .split('\n')
      .filter((line) => /^[/*]/.test(line));
    const patterns = lines.map((line) => line.split(/\s+/)[0]?.replace(/^\//, '').replace(/\/$/, '') ?? '');
    expect(patterns.length).toBeGreaterThan(5);
    expect(patterns.filter((pattern) => globSync(pattern, { cwd: root }).length === 0)).toEqual([]);
    for (const line of lines) expect(line).toMatch(/ @org\/[a-z-]+$/);
  });

  it.each(globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: root }))('are a form: %s', (file) => {
    const { value } = parseYaml(read(file));
    if (file.endsWith('config.yml')) {
      expect(value).toMatchObject({ blank_issues_enabled: false });
      return;
    }
    expect(value).toMatchObject({ name: expect.any(String), description: expect.any(String), body: expect.any(Array) });
    const fields = [...read(file).matchAll(/^ {2}- type: (\w+)\n {4}id: (\S+)/gm)].map(([, , id]) => id);
    expect(fields.length).toBeGreaterThan(0);
    expect(new Set(fields).size).toBe(fields.length);
  });

  it('look for newer versions of everything that is pinned', () => {
    const { value } = parseYaml(read('.github/dependabot.yml'));
    const pinned = ['npm', 'github-actions'].map((ecosystem) =>
      expect.objectContaining({ 'package-ecosystem': ecosystem, cooldown: { 'default-days': 7 } }),
    );
    expect(value).toMatchObject({ version: 2, updates: pinned });
  });
});
