import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitFiles, createBareRepository } from '@slipway/sandbox/github/seed';
import { DISTRIBUTIONS } from './cast.ts';

/** Where the example of a storage repository is. */
export const STORAGE_EXAMPLE = join(import.meta.dirname, '../../examples/storage-repository');

/** Makes the bare storage repository the first time, and returns where it is. */
export async function fillStorageRepository(state: string): Promise<string> {
  const bare = join(state, 'package-storage.git');
  if (existsSync(bare)) return bare;
  await createBareRepository(bare);
  const configuration = { '.github/slipway.yaml': readFileSync(join(STORAGE_EXAMPLE, '.github/slipway.yaml'), 'utf8') };
  await commitFiles(bare, 'main', configuration, { message: 'Configure the storage repository' });
  for (const distribution of DISTRIBUTIONS) {
    const directory = join(STORAGE_EXAMPLE, 'branches', distribution);
    const files = Object.fromEntries(
      globSync('**/*', { cwd: directory, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [path.slice(directory.length + 1), readFileSync(path, 'utf8')]),
    );
    await commitFiles(bare, distribution, files, { message: `Start ${distribution}` });
  }
  return bare;
}
