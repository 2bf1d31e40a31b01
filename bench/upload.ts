import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { actionCommand, hasInput } from './action-command.ts';
import { type PackedImage, packedImage, writePlugin } from './archive.ts';
import type { Contest, Contestant } from './contest.ts';
import type { SetName } from './images.ts';
import { addMeasures, type Measure, measure, words } from './measure.ts';
import { type Oss, withOss } from './oss.ts';
import type { Place } from './place.ts';

/** The package of one image of each set is uploaded. */
export const UPLOAD_CASES: readonly SetName[] = ['typical', 'big'];

/** Makes the contest between a package's way from the registry to OSS, and the same way of its blobs and nothing else. */
export async function uploadContest(place: Place, name: SetName): Promise<Contest> {
  const image = await packedImage(place, name);
  const streams = await hasInput(place.tree, 'upload-oss', 'plugin');
  const entrant = (entrantName: string, way: Way): Contestant => ({
    name: entrantName,
    attempt: async () => {
      const temp = place.fresh('temp');
      try {
        return await withOss(place, image.bytes, async (oss) => {
          const measured = await way(place, image, oss, temp);
          const bytes = await oss.storedBytes();
          if (bytes < image.bytes) throw new Error(`${entrantName} stored ${bytes} bytes of ${image.bytes}.`);
          return { ...measured, bytes };
        });
      } finally {
        await rm(temp, { recursive: true, force: true });
      }
    },
  });
  return {
    job: 'upload',
    name,
    ours: streams ? entrant('upload-oss, streamed', streamed) : entrant('bundle-package, then upload-oss', inTwoSteps),
    peers: [entrant('plain copy', plainCopy)],
  };
}

type Way<Image = PackedImage> = (place: Place, image: Image, oss: Oss, temp: string) => Promise<Measure>;

/** All that a package needs to be made; `digests` and `bytes` are for those who move blobs. */
type Packable = Pick<PackedImage, 'reference' | 'digest'>;

const KEY = 'packages/app.tar.gz';

/** The package is made while it is uploaded. */
export const streamed: Way<Packable> = async (place, image, oss, temp) => {
  const inputs = { ...(await writePlugin(image, temp)), ...oss.inputs(KEY) };
  const { script } = await actionCommand(place.tree, 'upload-oss', inputs, join(temp, 'runner'));
  return measure({ script, directory: temp });
};

/** The package is a file between being made and being uploaded. */
export const inTwoSteps: Way<Packable> = async (place, image, oss, temp) => {
  const { plugin = '', config = '' } = await writePlugin(image, temp);
  const output = join(temp, 'packages');
  const bundle = await actionCommand(place.tree, 'bundle-package', { plugin, config, output }, join(temp, 'runner'));
  const first = await measure({ script: bundle.script, directory: temp });
  const inputs = { package: (await bundle.outputs())['package'] ?? '', config, ...oss.inputs(KEY) };
  const { script } = await actionCommand(place.tree, 'upload-oss', inputs, join(temp, 'runner'));
  return addMeasures(first, await measure({ script, directory: temp }));
};

/** Node's own client fetches each blob and stores it as an object of its own. */
const plainCopy: Way = async (place, { repository, digests }, oss) => {
  const pairs: string[] = [];
  for (const digest of digests)
    pairs.push(`${repository}/blobs/${digest}`, await oss.signedPut(digest.replace(':', '-')));
  const script = words(process.execPath, join(import.meta.dirname, 'processes/plain-copy.ts'), ...pairs);
  return measure({ script, directory: place.directory });
};
