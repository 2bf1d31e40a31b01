import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OssServer, startOss } from '@slipway/sandbox/oss/server';
import { type RegistryOptions, type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { type ActionCall, type ActionEnd, runActionProcess } from './action-process.ts';
import { type Cargo, SOURCE_ROBOT, TARGET_ROBOT } from './cargo.ts';
import type { Side } from './request-kinds.ts';
import { Wire } from './wire.ts';
import type { Ambush, WireFault } from './wire-fault.ts';

/** A way to move something: an action, and what it is given. */
export type Job = 'sync' | 'bundle' | 'upload-file' | 'upload-plugin';

const ACTIONS: Readonly<Record<Job, string>> = {
  sync: 'sync-images',
  bundle: 'bundle-package',
  'upload-file': 'upload-oss',
  'upload-plugin': 'upload-oss',
};

export const PACKAGE = 'acme-web-v1.0.0.tar.gz';
export const BUCKET = 'infra';
export const KEY = `plugins/acme-web/${PACKAGE}`;
const OSS_KEY = { accessKeyId: 'LTAI5tExample', accessKeySecret: 'secret-of-the-bucket-c0de' };

/** What must never stand in a log. */
const SECRETS = [SOURCE_ROBOT.password, TARGET_ROBOT.password, OSS_KEY.accessKeySecret];

/** The package that undisturbed runs make, byte for byte. */
export interface MadePackage {
  readonly file: string;
  readonly sha256: string;
}

export interface PlaceOptions {
  /** The release tree with the shipped bundles. */
  readonly tree: string;
  readonly cargo: Cargo;
  /** The package that the cargo makes, where packages are made or uploaded. */
  readonly package?: MadePackage;
  /** How the registry differs that images are synced to. */
  readonly target?: Partial<RegistryOptions>;
  /** The clock of the object store. */
  readonly now?: () => Date;
}

/** One trial's own servers, each behind a wire, and its own directories; what a run left is there for the next. */
export class TransferPlace {
  readonly directory: string;
  readonly cargo: Cargo;
  /** The registry that images are synced to. */
  readonly target: RegistryServer;
  readonly oss: OssServer;
  readonly #options: PlaceOptions;
  readonly #wires: Readonly<Record<Side | 'released', Wire>>;
  readonly #ambushes: Ambush[] = [];

  private constructor(
    directory: string,
    options: PlaceOptions,
    servers: { readonly target: RegistryServer; readonly oss: OssServer },
    wires: Readonly<Record<Side | 'released', Wire>>,
  ) {
    this.directory = directory;
    this.cargo = options.cargo;
    this.#options = options;
    this.target = servers.target;
    this.oss = servers.oss;
    this.#wires = wires;
  }

  static async open(options: PlaceOptions): Promise<TransferPlace> {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-transfer-'));
    const target = await startRegistry({
      directory: join(directory, 'target'),
      auth: 'token',
      credentials: [TARGET_ROBOT],
      ...options.target,
    });
    const oss = await startOss({
      directory: join(directory, 'oss'),
      region: 'cn-hangzhou',
      buckets: [BUCKET],
      credentials: [OSS_KEY],
      ...(options.now !== undefined && { now: options.now }),
    });
    const wires = {
      source: await Wire.open(options.cargo.registry.url),
      target: await Wire.open(target.url),
      released: await Wire.open(options.cargo.registry.url),
      oss: await Wire.open(oss.url),
    };
    return new TransferPlace(directory, options, { target, oss }, wires);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Object.values(this.#wires).map((wire) => wire.close()));
    await Promise.all([this.target.close(), this.oss.close()]);
    await rm(this.directory, { recursive: true, force: true });
  }

  /** The wire between a job and one of its servers; packages are made of what is released already. */
  wire(side: Side, job: Job): Wire {
    return this.#wires[side === 'target' && job !== 'sync' ? 'released' : side];
  }

  /** Lets the images come from another registry than the cargo's own. */
  moveSource({ url }: RegistryServer): void {
    this.#wires.source.leadTo(url);
  }

  lay(job: Job, side: Side, fault: WireFault): Ambush {
    const ambush = this.wire(side, job).lay(fault);
    this.#ambushes.push(ambush);
    return ambush;
  }

  /** The faults that never struck. */
  get idle(): WireFault[] {
    return this.#ambushes.filter(({ struck }) => struck === 0).map(({ fault }) => fault);
  }

  get package(): MadePackage {
    const made = this.#options.package;
    if (made === undefined) throw new Error('this place was opened without a package');
    return made;
  }

  /** RUNNER_TEMP of a run; the work directory is in it. */
  temp(work: string): string {
    return join(this.directory, 'work', work);
  }

  /** Where bundle-package writes. */
  get output(): string {
    return join(this.directory, 'packages');
  }

  async run(
    job: Job,
    more: Pick<ActionCall, 'kill' | 'launcher'> & {
      readonly work?: string;
      readonly inputs?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<ActionEnd> {
    const { work = 'first', inputs = {}, ...rest } = more;
    const temp = this.temp(work);
    await mkdir(temp, { recursive: true });
    const config = join(temp, 'slipway.yaml');
    await writeFile(config, this.#configuration(job));
    return runActionProcess({
      directory: join(this.#options.tree, ACTIONS[job]),
      inputs: { config, ...this.#inputs(job), ...inputs },
      env: {
        DOCKER_CONFIG: join(this.directory, 'no-docker'),
        ...(job.startsWith('upload') && {
          OSS_ACCESS_KEY_ID: OSS_KEY.accessKeyId,
          OSS_ACCESS_KEY_SECRET: OSS_KEY.accessKeySecret,
        }),
      },
      temp,
      ...rest,
    });
  }

  /** Waits until what a killed run has sent has arrived. */
  async settle(): Promise<void> {
    await Promise.all(Object.values(this.#wires).map((wire) => wire.settle()));
  }

  /** What of all that must stay secret stands in a text: passwords, tokens, and addresses that let one write. */
  secretsIn(text: string): string[] {
    const sent = Object.values(this.#wires).flatMap(({ requests }) =>
      requests.map(({ authorization }) => authorization),
    );
    const values = sent.flatMap((header) => /^(?:Basic|Bearer) +(\S+)$/i.exec(header ?? '')?.[1] ?? []);
    const found = [...new Set([...SECRETS, ...values])].filter((secret) => text.includes(secret));
    return /_state=(?!REDACTED)/.test(text) ? [...found, 'the address of an upload'] : found;
  }

  #configuration(job: Job): string {
    return `plugins:
  prefix: acme-
  source: cargo.example.com/team
  target: harbor.example.com/release
  upload: "oss://${BUCKET}/plugins/{prefix}{plugin}/{file}"
oss: { region: oss-cn-hangzhou, endpoint: "${this.wire('oss', job).url}" }
registries:
  cargo.example.com: { endpoint: "${this.wire('source', job).url}", plain-http: true }
  harbor.example.com: { endpoint: "${this.wire('target', job).url}", plain-http: true }
`;
  }

  #inputs(job: Job): Record<string, string> {
    const target = { 'target-username': TARGET_ROBOT.username, 'target-password': TARGET_ROBOT.password };
    const { plugin } = this.cargo;
    switch (job) {
      case 'sync':
        return {
          images: this.cargo.lines,
          'source-username': SOURCE_ROBOT.username,
          'source-password': SOURCE_ROBOT.password,
          ...target,
        };
      case 'bundle':
        return { plugin, output: this.output, ...target };
      case 'upload-plugin':
        return { plugin, ...target };
      case 'upload-file': {
        return { file: this.package.file, destination: `oss://${BUCKET}/${KEY}` };
      }
    }
  }
}

/** Makes the cargo's package undisturbed, as the one that all others are compared with; it is in the cargo's directory. */
export async function makePackage(tree: string, cargo: Cargo): Promise<MadePackage> {
  await using place = await TransferPlace.open({ tree, cargo });
  const { code, log, outputs } = await place.run('bundle', { inputs: { output: cargo.directory } });
  const { file, sha256 } = outputs;
  if (code !== 0 || file === undefined || sha256 === undefined) throw new Error(`no package was made:\n${log}`);
  return { file, sha256 };
}
