import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RULES } from './rules.ts';

it('lists every rule that has a file, under the name of the file', () => {
  const files = ['../plugin/rules', 'rules']
    .flatMap((directory) => readdirSync(join(import.meta.dirname, directory)))
    .map((file) => file.replace(/\.ts$/, ''));
  expect(RULES.map(({ id }) => id).sort()).toEqual(files.sort());
});

it('describes every rule in one sentence', () => {
  for (const { id, description } of RULES) expect.soft(description, id).toMatch(/^[^.].*\.$/);
});
