import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { commitFiles, createBareRepository } from '@slipway/sandbox/github/seed';
import { DISTRIBUTIONS } from './cast.ts';
import { readDirectory } from './release-repository.ts';

/** Where the example of a storage repository is. */
export const STORAGE_EXAMPLE = join(import.meta.dirname, '../../examples/storage-repository');

/** Makes the bare storage repository the first time, and returns where it is. */
export async function fillStorageRepository(state: string): Promise<string> {
  const bare = join(state, 'package-storage.git');
  if (existsSync(bare)) return bare;
  await createBareRepository(bare);
  const files = Object.entries(readDirectory(STORAGE_EXAMPLE)).filter(([path]) => !path.startsWith('branches/'));
  await commitFiles(bare, 'main', Object.fromEntries(files), { message: 'Start the storage repository' });
  for (const distribution of DISTRIBUTIONS) {
    const own = readDirectory(join(STORAGE_EXAMPLE, 'branches', distribution));
    await commitFiles(bare, distribution, own, { message: `Start ${distribution}`, parent: null });
  }
  return bare;
}
