import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleImage } from '@slipway/sandbox/images/sample-image';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';

export const MEBIBYTE = 1024 * 1024;

/** No two are equal, so that each tells where it leaked from. */
export const SOURCE_ROBOT = { username: 'source-robot', password: 'pw-of-the-source-7f3a' };
export const TARGET_ROBOT = { username: 'target-robot', password: 'pw-of-the-target-91bc' };

const SOURCE = 'cargo.example.com/team';
const TARGET = 'harbor.example.com/release';
export const TAG = 'v1.0.0';

/** One image of the plugin that is moved. */
export interface CargoImage {
  /** `web`; its repositories are `team/acme-web` and `release/acme-web`. */
  readonly name: string;
  readonly image: SampleImage;
}

/** Sizes of layers, bytes, by the image's name; an entry with a seed is shared by all images that name it. */
export type CargoPlan = Readonly<Record<string, readonly { readonly size: number; readonly seed?: string }[]>>;

const SHARED = { size: 70_000, seed: 'shared' };

/** Two images with a layer in common, one that is looked up first, and a package of two parts; cheap to move. */
export const LIGHT: CargoPlan = {
  web: [SHARED, { size: 9 * MEBIBYTE }],
  agent: [SHARED, { size: 300_000 }],
};

/** Two images with a layer in common, one layer that goes in chunks, one that is looked up first, and small ones. */
export const MIXED: CargoPlan = {
  web: [SHARED, { size: 33 * MEBIBYTE }, { size: 5 * MEBIBYTE }],
  agent: [SHARED, { size: 300_000 }],
};

/** What kills of a sync are measured with: two blobs of three chunks each, and small ones. */
export const HEAVY: CargoPlan = {
  web: [SHARED, { size: 96_000_000 }, { size: 3 * MEBIBYTE }],
  agent: [SHARED, { size: 80_000_000 }, { size: 900_000 }],
};

/** What kills of an upload are measured with: a package of seven parts. */
export const PARTED: CargoPlan = {
  web: [SHARED, { size: 29 * MEBIBYTE }, { size: 3 * MEBIBYTE }],
  agent: [SHARED, { size: 19 * MEBIBYTE }],
};

/** The images that are moved, in a registry that has them as sources and as released; shared by many trials, never written to. */
export class Cargo {
  readonly directory: string;
  readonly registry: RegistryServer;
  readonly images: readonly CargoImage[];
  /** The plugin's YAML. */
  readonly yaml = `spec:\n  version: ${TAG}\n  service:\n    image: ${TARGET}/acme-web:${TAG}\n`;

  private constructor(directory: string, registry: RegistryServer, images: readonly CargoImage[]) {
    this.directory = directory;
    this.registry = registry;
    this.images = images;
  }

  static async load(plan: CargoPlan): Promise<Cargo> {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-cargo-'));
    const registry = await startRegistry({
      directory: join(directory, 'registry'),
      auth: 'token',
      credentials: [SOURCE_ROBOT, TARGET_ROBOT],
    });
    const images: CargoImage[] = [];
    for (const [name, layers] of Object.entries(plan)) {
      const options = { seed: name, architecture: 'amd64', os: 'linux', mediaTypes: 'oci', layers } as const;
      const image = await makeImage({ ...options, directory: join(directory, 'layers') });
      await pushImage(registry.url, `team/acme-${name}`, TAG, image, SOURCE_ROBOT);
      await pushImage(registry.url, `release/acme-${name}`, TAG, image, TARGET_ROBOT);
      images.push({ name, image });
    }
    const cargo = new Cargo(directory, registry, images);
    await writeFile(join(directory, 'web.yaml'), cargo.yaml);
    return cargo;
  }

  async close(): Promise<void> {
    await this.registry.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** The input `images` of sync-images, lines. */
  get lines(): string {
    return this.images.map(({ name }) => `${SOURCE}/acme-${name}:${TAG} ${TARGET}/acme-${name}:${TAG}`).join('\n');
  }

  /** The images as other actions hand them on. */
  get handedOver(): object[] {
    return this.images.map(({ name, image }) => ({
      source: `${SOURCE}/acme-${name}:${TAG}`,
      target: `${TARGET}/acme-${name}:${TAG}`,
      name,
      digest: image.manifest.digest,
    }));
  }

  /** The input `plugin` of the actions that make the package. */
  get plugin(): string {
    const blob = createHash('sha1')
      .update(`blob ${Buffer.byteLength(this.yaml)}\0`)
      .update(this.yaml)
      .digest('hex');
    const file = join(this.directory, 'web.yaml');
    return JSON.stringify({ plugin: 'web', version: TAG, file, commit: '', blob, images: this.handedOver });
  }
}
