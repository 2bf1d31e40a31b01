/**
 * Says whether a version can be released, in the workflow that releases it: `npm run release:ready -- 1.2.3`. The commit
 * must be the head of main, every job of our CI must have succeeded on it, and the changelog must tell what is new.
 *
 * `npm run release:notes -- 1.2.3` prints what the changelog says, and asks nobody.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { parseArgs } from 'node:util';
import { connectGitHub } from '@slipway/core/github/connect';
import { readNotes } from './release/changelog.ts';
import { checksOf, requireGreen } from './release/green.ts';
import { formatVersion, parseVersion } from './release/version.ts';
import { runScript } from './run-script.ts';

const ROOT = join(import.meta.dirname, '..');

await runScript(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { notes: { type: 'boolean', default: false } },
  });
  const version = formatVersion(parseVersion(positionals[0] ?? ''));
  const notes = readNotes(await readFile(join(ROOT, 'CHANGELOG.md'), 'utf8'), version.slice(1));
  if (values.notes) {
    console.log(notes);
    return;
  }
  const need = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw new Error(`${name} is not set: this runs in a workflow.`);
    return value;
  };
  const github = connectGitHub({ token: need('GITHUB_TOKEN'), apiUrl: need('GITHUB_API_URL') });
  const checks = checksOf(await readFile(join(ROOT, '.github/workflows/ci.yml'), 'utf8'));
  const commit = need('GITHUB_SHA');
  await requireGreen(github, need('GITHUB_REPOSITORY'), { branch: 'main', commit, checks });
  console.log(`${version} can be released from ${commit}: ${checks.join(', ')} succeeded.`);
});
