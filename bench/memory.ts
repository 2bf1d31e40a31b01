import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { actionCommand, hasInput } from './action-command.ts';
import { bundle } from './archive.ts';
import type { Attempt, Contest, Contestant } from './contest.ts';
import { measure } from './measure.ts';
import { withOss } from './oss.ts';
import type { Place } from './place.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { copyOneByOne, ociArchive, whyMissing } from './skopeo.ts';
import { plainRegistries } from './sync.ts';
import { inTwoSteps, streamed } from './upload.ts';

/** Blobs, and bytes of each. No byte of what is synced is ever on a disk; what is bundled is, once, and what OSS takes. */
const SIZES = {
  'sync-10gb': [8, 1_250_000_000],
  'bundle-2gb': [8, 250_000_000],
  'upload-2gb': [8, 250_000_000],
} as const;

type MemoryCase = keyof typeof SIZES;

export const MEMORY_CASES: readonly MemoryCase[] = ['sync-10gb', 'bundle-2gb', 'upload-2gb'];

/** Lets `hold` have a contest of which the memory counts: an image that is made while it is read. */
export async function memoryContest<T>(
  place: Place,
  name: MemoryCase,
  scale: number,
  hold: (contest: Contest) => Promise<T>,
): Promise<T> {
  const [blobs, size] = SIZES[name];
  const bytes = blobs * Math.round(size * scale);
  const source = await startVoid(String(blobs), String(Math.round(size * scale)));
  try {
    return await hold(contestOf(place, name, source, bytes));
  } finally {
    await source.close();
  }
}

function contestOf(place: Place, name: MemoryCase, source: ServerProcess, bytes: number): Contest {
  switch (name) {
    case 'sync-10gb':
      return syncContest(place, source, bytes);
    case 'bundle-2gb':
      return bundleContest(place, source);
    case 'upload-2gb':
      return uploadContest(place, source, bytes);
  }
}

function startVoid(...args: string[]): Promise<ServerProcess> {
  return startServerProcess(join(import.meta.dirname, 'processes/void-registry.ts'), ...args);
}

function hostOf({ about }: ServerProcess): string {
  return new URL(about['url'] ?? '').host;
}

function syncContest(place: Place, source: ServerProcess, bytes: number): Contest {
  const ways = {
    'sync-images': async (from: string, to: string, temp: string) => {
      const config = `${temp}.yaml`;
      await writeFile(config, plainRegistries(hostOf(source), to.split('/')[0] ?? ''));
      const spool = (await hasInput(place.tree, 'sync-images', 'spool')) ? { spool: 'off' } : {};
      return (await actionCommand(place.tree, 'sync-images', { images: `${from} ${to}`, config, ...spool }, temp))
        .script;
    },
    'skopeo copy': (from: string, to: string) => copyOneByOne([{ source: from, target: to }]),
  };
  const entrant = (name: keyof typeof ways): Contestant => ({
    name,
    absent: name === 'sync-images' ? undefined : whyMissing('skopeo'),
    attempt: async () => {
      const target = await startVoid();
      const temp = place.fresh('temp');
      try {
        const [from, to] = [`${hostOf(source)}/team/app:v1.0.0`, `${hostOf(target)}/release/app:v1.0.0`];
        const measured = await measure({ script: await ways[name](from, to, temp), directory: place.directory });
        const answer = await fetch(`${target.about['url']}/v2/release/app/manifests/${source.about['digest']}`);
        if (!answer.ok) throw new Error(`${name} has not copied the image.`);
        return { ...measured, bytes };
      } finally {
        await target.close();
        await rm(temp, { recursive: true, force: true });
      }
    },
  });
  return { job: 'memory', name: 'sync-10gb', ours: entrant('sync-images'), peers: [entrant('skopeo copy')] };
}

function bundleContest(place: Place, source: ServerProcess): Contest {
  const reference = `${hostOf(source)}/team/app:v1.0.0`;
  const archive = async (): Promise<Attempt> => {
    const file = place.fresh('archive');
    try {
      const measured = await measure({ script: ociArchive(reference, reference, file), directory: place.directory });
      return { ...measured, bytes: (await stat(file)).size };
    } finally {
      await rm(file, { force: true });
    }
  };
  return {
    job: 'memory',
    name: 'bundle-2gb',
    ours: {
      name: 'bundle-package',
      attempt: () => bundle(place, { reference, digest: source.about['digest'] ?? '' }),
    },
    peers: [{ name: 'oci-archive', absent: whyMissing('skopeo'), attempt: archive }],
  };
}

function uploadContest(place: Place, source: ServerProcess, bytes: number): Contest {
  const image = { reference: `${hostOf(source)}/team/app:v1.0.0`, digest: source.about['digest'] ?? '' };
  const entrant = (name: string, way: typeof streamed): Contestant => ({
    name,
    attempt: async () => {
      const temp = place.fresh('temp');
      try {
        return await withOss(place, bytes, async (oss) => {
          const measured = await way(place, image, oss, temp);
          const stored = await oss.storedBytes();
          if (stored < bytes) throw new Error(`${name} stored ${stored} bytes of ${bytes}.`);
          return { ...measured, bytes: stored };
        });
      } finally {
        await rm(temp, { recursive: true, force: true });
      }
    },
  });
  return {
    job: 'memory',
    name: 'upload-2gb',
    ours: entrant('upload-oss, streamed', streamed),
    peers: [entrant('bundle-package, then upload-oss', inTwoSteps)],
  };
}
