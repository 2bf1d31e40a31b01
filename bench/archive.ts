import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gitBlobId } from '@slipway/core/github/git-object';
import { actionCommand, type Inputs } from './action-command.ts';
import type { Attempt, Contest, Contestant } from './contest.ts';
import type { SetName } from './images.ts';
import { measure } from './measure.ts';
import { type Place, SOURCE_PATH, TAG } from './place.ts';
import { dockerArchive, ociArchive, whyMissing } from './skopeo.ts';
import { plainRegistries } from './sync.ts';

/** One image of each set is packed. */
export const ARCHIVE_CASES: readonly SetName[] = ['typical', 'big'];

/** Makes the contest between bundle-package and the ways to have an image in a file. */
export async function archiveContest(place: Place, name: SetName): Promise<Contest> {
  const image = await packedImage(place, name);
  const { reference } = image;
  const entrant = (
    entrantName: string,
    programs: readonly string[],
    makeScript: (file: string) => string,
  ): Contestant => ({
    name: entrantName,
    absent: whyMissing(...programs),
    attempt: async () => {
      const file = place.fresh('archive');
      try {
        const measured = await measure({ script: makeScript(file), directory: place.directory });
        return { ...measured, bytes: (await stat(file)).size };
      } finally {
        await rm(file, { force: true });
      }
    },
  });
  return {
    job: 'archive',
    name,
    ours: { name: 'bundle-package', attempt: () => bundle(place, image) },
    peers: [
      entrant('gzip', ['skopeo', 'gzip'], (file) => dockerArchive(reference, reference, 'gzip -6', file)),
      entrant('pigz', ['skopeo', 'pigz'], (file) => dockerArchive(reference, reference, 'pigz -6', file)),
      entrant('oci-archive', ['skopeo'], (file) => ociArchive(reference, reference, file)),
    ],
  };
}

/** Runs bundle-package for a plugin with this one image. */
export async function bundle(place: Place, image: Pick<PackedImage, 'reference' | 'digest'>): Promise<Attempt> {
  const temp = place.fresh('temp');
  try {
    const inputs = { ...(await writePlugin(image, temp)), output: join(temp, 'packages') };
    const command = await actionCommand(place.tree, 'bundle-package', inputs, join(temp, 'runner'));
    const measured = await measure({ script: command.script, directory: temp });
    const { file = '' } = await command.outputs();
    return { ...measured, bytes: (await stat(resolve(temp, file))).size };
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

/** An image that a package is made of. */
export interface PackedImage {
  /** `<registry>/<path>:<tag>`. */
  readonly reference: string;
  readonly digest: string;
  /** `http://<registry>/v2/<path>`. */
  readonly repository: string;
  /** Of its blobs. */
  readonly digests: readonly string[];
  readonly bytes: number;
}

/** Returns the first image of a set, as it is in the source registry. */
export async function packedImage(place: Place, name: SetName): Promise<PackedImage> {
  const [first] = (await place.images(name)).images;
  if (first?.image.kind !== 'image') throw new Error(`The set ${name} has no image of one platform.`);
  const { blobs, manifest } = first.image;
  const path = `${SOURCE_PATH}/${first.name}`;
  return {
    reference: `${place.source.name}/${path}:${TAG}`,
    digest: manifest.digest,
    repository: `http://${place.source.name}/v2/${path}`,
    digests: blobs.map(({ digest }) => digest),
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Writes the YAML of a plugin with this image, and a configuration, to `directory`; returns the inputs that name both. */
export async function writePlugin(
  { reference, digest }: Pick<PackedImage, 'reference' | 'digest'>,
  directory: string,
): Promise<Inputs> {
  await mkdir(directory, { recursive: true });
  const config = join(directory, 'slipway.yaml');
  await writeFile(config, plainRegistries(reference.split('/')[0] ?? ''));
  const file = join(directory, 'app.yaml');
  await writeFile(file, `spec: { service: { image: "${reference}" } }\n`);
  const blob = gitBlobId(await readFile(file));
  const images = [{ source: reference, target: reference, name: 'app', digest }];
  return { plugin: JSON.stringify({ plugin: 'app', version: TAG, file, commit: '', blob, images }), config };
}
