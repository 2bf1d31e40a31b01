import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitFiles, createBareRepository } from '@slipway/sandbox/github/seed';
import { BRANCH, RELEASES } from './cast.ts';

/** Where the example of a release repository is. */
export const RELEASE_EXAMPLE = join(import.meta.dirname, '../../examples/release-repository');

/** Makes the bare release repository the first time, with a branch that changes two plugins; returns where it is. */
export async function fillReleaseRepository(state: string): Promise<string> {
  const bare = join(state, 'compass-release.git');
  if (existsSync(bare)) return bare;
  await createBareRepository(bare);
  const files = readDirectory(RELEASE_EXAMPLE);
  const main = await commitFiles(bare, 'main', files, { message: 'Start the release repository' });
  const changed = Object.fromEntries(
    RELEASES.map(({ plugin, from, to }) => {
      const path = `release-plugins/${plugin}.yaml`;
      return [path, (files[path] ?? '').replaceAll(from, to)];
    }),
  );
  const message = `feat: ${RELEASES.map(({ plugin, to }) => `${plugin} ${to}`).join(', ')}`;
  await commitFiles(bare, BRANCH, changed, { message, parent: main });
  return bare;
}

/** Reads every file below a directory, hidden ones too, by its path in it. */
export function readDirectory(directory: string): Record<string, string> {
  const paths = globSync(['**/*', '.github/**/*'], { cwd: directory, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(directory, path), 'utf8')]));
}
