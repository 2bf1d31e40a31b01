import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, type RecordingRuntime, recordRuntime } from '@slipway/core/action/testing';
import { gitBlobId } from '@slipway/core/github/git-object';
import type { Image } from '@slipway/core/image/image';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleImage } from '@slipway/sandbox/images/sample-image';
import { type OssServer, startOss } from '@slipway/sandbox/oss/server';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { inputs as definitions } from './inputs.ts';
import { type Outputs, run } from './run.ts';

const KEY = { accessKeyId: 'LTAI5tExample', accessKeySecret: 'a-secret-of-many-letters' };
const TARGET = 'harbor.example.com/release';
const YAML = `spec:\n  version: v1.0.0\n  service:\n    image: ${TARGET}/acme-web:v1.0.0\n`;

/** A plugin whose images are in a registry, and a bucket for its package. */
export class StreamPlace {
  static readonly NAME = 'acme-web-v1.0.0.tar.gz';
  static readonly URI = `oss://infra/plugins/acme-web/${StreamPlace.NAME}`;
  readonly directory: string;
  readonly registry: RegistryServer;
  readonly oss: OssServer;
  /** What the last run said. */
  lines: string[] = [];
  #images: Image[] = [];

  private constructor(directory: string, registry: RegistryServer, oss: OssServer) {
    this.directory = directory;
    this.registry = registry;
    this.oss = oss;
  }

  static async open(): Promise<StreamPlace> {
    const directory = await mkdtemp(join(tmpdir(), 'stream-'));
    const registry = await startRegistry({ directory: join(directory, 'registry') });
    const oss = await startOss({
      directory: join(directory, 'oss'),
      region: 'cn-hangzhou',
      buckets: ['infra'],
      credentials: [KEY],
    });
    await writeFile(join(directory, 'web.yaml'), YAML);
    await writeFile(
      join(directory, 'slipway.yaml'),
      `plugins: { prefix: acme-, upload: "oss://infra/plugins/{prefix}{plugin}/{file}" }
oss: { region: oss-cn-hangzhou, endpoint: "${oss.url}" }
registries: { harbor.example.com: { endpoint: "${registry.url}", plain-http: true } }
`,
    );
    return new StreamPlace(directory, registry, oss);
  }

  async close(): Promise<void> {
    await this.registry.close();
    await this.oss.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Pushes an image of the plugin; the seed and the sizes of its layers say which bytes it has. */
  async release(name: string, seed: string, layers: readonly number[]): Promise<SampleImage> {
    const sizes = layers.map((size) => ({ size }));
    const image = await makeImage({ seed, architecture: 'amd64', os: 'linux', mediaTypes: 'oci', layers: sizes });
    await pushImage(this.registry.url, `release/acme-${name}`, 'v1.0.0', image);
    const target = `${TARGET}/acme-${name}:v1.0.0`;
    const released = { source: `cargo.example.com/t/${name}:v1`, target, name, digest: image.manifest.digest };
    this.#images = [...this.#images.filter((other) => other.name !== name), released];
    return image;
  }

  /** The input `plugin`. */
  plugin(): string {
    const file = join(this.directory, 'web.yaml');
    const blob = gitBlobId(Buffer.from(YAML));
    return JSON.stringify({ plugin: 'web', version: 'v1.0.0', file, commit: '', blob, images: this.#images });
  }

  /** Inputs and environment of a run, `work` its work directory. */
  settings(work = 'work'): { inputs: Record<string, string>; env: Record<string, string> } {
    return {
      inputs: { config: join(this.directory, 'slipway.yaml') },
      env: {
        RUNNER_TEMP: join(this.directory, work),
        DOCKER_CONFIG: join(this.directory, 'no-docker'),
        OSS_ACCESS_KEY_ID: KEY.accessKeyId,
        OSS_ACCESS_KEY_SECRET: KEY.accessKeySecret,
      },
    };
  }

  /** Streams the plugin's package. */
  stream(given: Record<string, string> = {}): Promise<Outputs> {
    return this.upload({ plugin: this.plugin(), ...given });
  }

  async upload(given: Record<string, string>): Promise<Outputs> {
    const { inputs, env } = this.settings();
    const { 'work-directory': workDirectory = env['RUNNER_TEMP'] ?? '', ...rest } = given;
    const runtime: RecordingRuntime = { ...recordRuntime(env), workDirectory };
    try {
      return await run(inputsFrom(definitions, { ...inputs, ...rest }), runtime);
    } finally {
      this.lines = runtime.lines;
    }
  }

  /** How often blobs of at least a layer's size were read from the registry. */
  blobReads(): number {
    return this.registry.requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/')).length;
  }

  partsSent(): number {
    return this.oss.requests.filter(({ method, path, status }) => isPart(method, path) && status === 200).length;
  }

  /** The package that is in the bucket, and its checksum, checked against each other. */
  async stored(): Promise<{ bytes: Buffer; sha256: string }> {
    const [object, checksum, ...others] = await this.oss.objects('infra');
    if (object === undefined || checksum === undefined || others.length > 0) throw new Error('not two objects');
    const bytes = await readFile(object.body);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const line = await readFile(checksum.body, 'utf8');
    if (line !== `${sha256}  ${StreamPlace.NAME}\n`) throw new Error(`the checksum is ${line}`);
    return { bytes, sha256 };
  }
}

function isPart(method: string, path: string): boolean {
  return method === 'PUT' && path.includes('partNumber=');
}
