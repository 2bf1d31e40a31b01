import { composeImage, type SampleImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex, type SampleIndex } from '@slipway/sandbox/images/sample-index';
import type { SampleLayer } from '@slipway/sandbox/images/sample-layer';
import { makeBenchLayer, type Piece } from './layers.ts';

export type SetName = 'typical' | 'big' | 'small' | 'multiarch';

export interface NamedImage {
  /** `app-01`. */
  readonly name: string;
  readonly image: SampleImage | SampleIndex;
}

const MB = 1_000_000;

/** What one image of a set is made of: platforms, each a list of layers `[seed, compressed bytes]`. */
type Recipe = readonly (readonly [architecture: string, layers: readonly (readonly [string, number])[]])[];

/** The sets of images that are moved; those of baselines that others published look the same. */
const RECIPES: Readonly<Record<SetName, readonly Recipe[]>> = {
  typical: times(10, (app) => [
    [
      'amd64',
      [
        ['base-0', 30 * MB],
        ['base-1', 60 * MB],
        ['base-2', 10 * MB],
        [`app-${app}`, 20 * MB],
      ],
    ],
  ]),
  big: [[['amd64', times(8, (layer) => [`big-${layer}`, 128 * MB])]]],
  small: times(40, (app) => [['amd64', times(6, (layer) => [`small-${app}-${layer}`, MB])]]),
  multiarch: [
    ['amd64', 'arm64', 's390x'].map((architecture) => [
      architecture,
      [
        [`${architecture}-0`, 30 * MB],
        [`${architecture}-1`, 20 * MB],
        [`${architecture}-2`, 5 * MB],
      ],
    ]),
  ],
};

/** Makes the images of a set, their layers as files in `directory`, their sizes multiplied by `scale`. */
export async function makeImageSet(
  set: SetName,
  pieces: readonly Piece[],
  { directory, scale }: { readonly directory: string; readonly scale: number },
): Promise<NamedImage[]> {
  const made = new Map<string, SampleLayer>();
  const layerOf = async (seed: string, size: number): Promise<SampleLayer> => {
    const layer = made.get(seed) ?? (await makeBenchLayer(seed, size * scale, pieces, directory));
    made.set(seed, layer);
    return layer;
  };
  const named: NamedImage[] = [];
  for (const [index, recipe] of RECIPES[set].entries()) {
    const images: SampleImage[] = [];
    for (const [architecture, recipes] of recipe) {
      const layers: SampleLayer[] = [];
      for (const [seed, size] of recipes) layers.push(await layerOf(seed, size));
      images.push(composeImage(layers, { architecture, os: 'linux', mediaTypes: 'oci' }));
    }
    const [only] = images;
    const image = images.length > 1 || only === undefined ? makeIndex(images) : only;
    named.push({ name: `${set}-${String(index + 1).padStart(2, '0')}`, image });
  }
  return named;
}

/** Returns the bytes of everything that has to be moved, each blob once. */
export function uniqueBytes(images: readonly NamedImage[]): number {
  const sizes = new Map<string, number>();
  for (const { image } of images) {
    const parts = image.kind === 'index' ? [image, ...image.children] : [image];
    for (const part of parts) {
      for (const { digest, size } of [part.manifest, ...(part.kind === 'image' ? part.blobs : [])])
        sizes.set(digest, size);
    }
  }
  return sizes.values().reduce((sum, size) => sum + size, 0);
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
