import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { actionCommand } from './action-command.ts';
import type { Attempt, Contest, Contestant, Result } from './contest.ts';
import { readCase, type StorageSize, storageOf } from './distribution.ts';
import { measure, words } from './measure.ts';
import type { Place } from './place.ts';
import type { StoragePlace } from './storage-place.ts';
import { TOKEN } from './storage-place.ts';

export function promoteCases(sizes: readonly StorageSize[]): string[] {
  return sizes.map(({ label }) => `promote-${label}`);
}

type Version = { readonly name: string; readonly version: string };

/** Lets `hold` have a contest between promote-package and git as people use it; bytes are those to and from GitHub. */
export async function promoteContest(
  place: Place,
  name: string,
  sizes: readonly StorageSize[],
  hold: (contest: Contest) => Promise<Result>,
): Promise<Result> {
  const { size } = readCase(name, ['promote'], sizes);
  const storage = await storageOf(place, size);
  const entrant = (entrantName: string, way: Way): Contestant => ({
    name: entrantName,
    attempt: async (): Promise<Attempt> => {
      const version = await storage.addVersion('staging');
      const before = await storage.countBytes();
      const temp = place.fresh('temp');
      try {
        const measured = await way(place, storage, version, temp);
        return { ...measured, bytes: (await storage.countBytes()) - before };
      } finally {
        await rm(temp, { recursive: true, force: true });
      }
    },
  });
  const peers = [entrant('clone, copy, push', withGit)];
  return hold({ job: 'promote', name, ours: entrant('promote-package', withOurs), peers });
}

type Way = (
  place: Place,
  storage: StoragePlace,
  version: Version,
  temp: string,
) => Promise<Omit<Attempt, 'bytes' | 'requests'>>;

const withOurs: Way = async (place, storage, { name, version }, temp) => {
  const config = await storage.writeConfiguration(temp, storage.registry);
  const inputs = {
    mode: 'add',
    packages: `${name}-${version}`,
    from: 'staging',
    to: 'production',
    config,
    token: TOKEN,
  };
  const command = await actionCommand(place.tree, 'promote-package', inputs, join(temp, 'runner'), storage.env);
  const measured = await measure({ script: command.script, directory: temp });
  const { 'pull-request': number = '' } = await command.outputs();
  if (number === '') throw new Error('promote-package opened no pull request.');
  return measured;
};

const withGit: Way = async (place, storage, { name, version }, temp) => {
  const [to, from] = [join(temp, 'to'), join(temp, 'from')];
  const path = `packages/${name}/${version}`;
  const header = `AUTHORIZATION: basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`;
  const git = ['git', '-c', `http.extraheader=${header}`, '-c', 'user.name=b', '-c', 'user.email=b@example.com'];
  const script = [
    words('mkdir', '-p', temp),
    words(...git, 'clone', '--quiet', '--branch=production', storage.cloneUrl, to),
    words(...git, '-C', to, 'worktree', 'add', '--quiet', '--detach', from, 'origin/staging'),
    words('mkdir', '-p', join(to, path, '..')),
    words('cp', '-a', join(from, path), join(to, path)),
    words(...git, '-C', to, 'add', path),
    words(...git, '-C', to, 'commit', '--quiet', '-m', `Promote ${name}-${version}`),
    words(...git, '-C', to, 'push', '--quiet', 'origin', `HEAD:refs/heads/promote-${name}-${version}`),
  ];
  return measure({ script: script.join(' && '), directory: place.directory });
};
