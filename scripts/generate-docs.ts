/**
 * Writes the tables of inputs and outputs into every action's README, between the marks, from its `action.yml`.
 *
 * `--check` writes nothing and fails when a README is not up to date. A missing description fails always.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';

interface ActionFile {
  readonly name: string;
  readonly description: string;
  readonly inputs?: Readonly<Record<string, { description?: string; required?: boolean; default?: string }>>;
  readonly outputs?: Readonly<Record<string, { description?: string }>>;
}

const BEGIN = '<!-- inputs and outputs: generated from action.yml by `npm run docs` -->';
const END = '<!-- end of generated part -->';

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');
const stale: string[] = [];

for (const file of globSync('actions/*/action.yml', { cwd: root }).sort()) {
  const readme = join(root, dirname(file), 'README.md');
  if (!existsSync(readme)) throw new Error(`${dirname(file)}/README.md is missing`);
  const before = readFileSync(readme, 'utf8');
  const after = replacePart(
    before,
    describeAction(load(readFileSync(join(root, file), 'utf8')) as ActionFile, file),
    file,
  );
  if (after === before) continue;
  if (check) stale.push(`${dirname(file)}/README.md`);
  else writeFileSync(readme, after);
}

if (stale.length > 0) {
  console.error(`Not up to date: ${stale.join(', ')}. Run \`npm run docs\`.`);
  process.exitCode = 1;
}

function replacePart(readme: string, part: string, file: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin)
    throw new Error(`${dirname(file)}/README.md lacks the marks '${BEGIN}' and '${END}'`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${part}\n${readme.slice(end)}`;
}

function describeAction(action: ActionFile, file: string): string {
  const inputs = Object.entries(action.inputs ?? {}).map(([name, input]) => [
    `\`${name}\`${input.required === true ? ' (required)' : ''}`,
    describe(input.description, file, name),
    input.default === undefined || input.default === '' ? '' : `\`${input.default}\``,
  ]);
  const outputs = Object.entries(action.outputs ?? {}).map(([name, output]) => [
    `\`${name}\``,
    describe(output.description, file, name),
  ]);
  return [
    '### Inputs',
    '',
    table(['input', 'what it is', 'default'], inputs),
    '',
    '### Outputs',
    '',
    table(['output', 'what it is'], outputs),
    '',
  ].join('\n');
}

function describe(description: string | undefined, file: string, name: string): string {
  if (description === undefined || description.trim() === '') throw new Error(`${file}: ${name} has no description`);
  return description.trim().replaceAll('\n', ' ').replaceAll('|', '\\|');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
