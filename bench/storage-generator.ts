import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { createBareRepository } from '@slipway/sandbox/github/seed';
import { Contents, contentsOf, type Dice, diceOf, type Slot, slotsOf } from './storage-content.ts';

/** How a storage repository is made: the same options give the same commits. */
export interface StorageOptions {
  /** Package versions of production. */
  readonly versions: number;
  /** Over how many names they are spread; default as in the real storage. */
  readonly names?: number | undefined;
  readonly seed: string;
}

/** A storage repository, and what is to be known about it. */
export interface MadeStorage {
  readonly directory: string;
  readonly versions: number;
  readonly names: number;
  readonly files: number;
  /** Bytes of all files of production, and of those that are different from each other. */
  readonly bytes: number;
  readonly uniqueBytes: number;
  readonly seconds: number;
}

/** The real storage has 1,920 versions of 185 names in production; 387 versions in snapshot. */
const VERSIONS_PER_NAME = 1920 / 185;
const SHARES = { staging: 0.02, snapshot: 0.2 };

export const REGISTRY = 'docker.elastic.co';
export const IMAGE = 'package-registry/distribution';
export const BASE = 'package-registry/package-registry';
export const BASE_TAG = 'v1.15.0';

const UPSTREAMS: Readonly<Record<string, readonly string[]>> = {
  production: [],
  staging: ['production'],
  snapshot: ['production', 'staging'],
};

/** Seconds since 1970 of every commit: 2022-11-09. */
const TIME = 1_667_952_000;

/** One package version of one branch. */
interface Version {
  readonly name: number;
  /** Counts the versions of the name from 0. */
  readonly number: number;
}

/**
 * Makes a bare storage repository with the statistics of the real one: names, versions of each, files and bytes of a
 * version, how much of it is the same as in the version before, modes.
 */
export async function makeStorage(directory: string, options: StorageOptions): Promise<MadeStorage> {
  const started = performance.now();
  await mkdir(directory, { recursive: true });
  await createBareRepository(directory);
  const storage = new Generator(options);
  const importer = new Importer(directory);
  const figures = await storage.writeBranches(importer);
  await importer.end();
  const seconds = (performance.now() - started) / 1000;
  return { directory, versions: options.versions, names: storage.names, ...figures, seconds };
}

/** Commits one more version of a name to a branch for each count, in one commit; each count gives another one. */
export async function addVersions(
  directory: string,
  branch: string,
  options: StorageOptions,
  counts: readonly number[],
): Promise<AddedVersion[]> {
  const storage = new Generator(options);
  const importer = new Importer(directory);
  const versions = await storage.writeAdditions(importer, branch, counts);
  await importer.end();
  return versions;
}

/** A version that was committed after the repository was made. */
export interface AddedVersion {
  readonly name: string;
  readonly version: string;
}

class Generator {
  readonly names: number;
  readonly #options: StorageOptions;
  readonly #dice: Dice;
  readonly #contents: Contents;

  constructor(options: StorageOptions) {
    this.#options = options;
    this.names = options.names ?? namesOf(options.versions);
    this.#dice = diceOf(options.seed);
    this.#contents = new Contents(options.seed, this.#dice);
  }

  async writeBranches(importer: Importer): Promise<Pick<MadeStorage, 'files' | 'bytes' | 'uniqueBytes'>> {
    const branches = this.#plan();
    const all = [...branches.values()].flat();
    const lengths = this.#countVersions(all);
    let [files, bytes, uniqueBytes] = [0, 0, 0];
    for (let name = 0; name < this.names; name += 1) {
      const slots = slotsOf(name, this.#dice);
      const contents = contentsOf(name, slots, lengths[name] ?? 0, this.#dice);
      for (const [slot, numbers] of contents.entries()) {
        for (const number of new Set(numbers)) {
          await importer.blob(this.#file(name, slot, number, slots[slot]), `${name}.${slot}.${number}`);
        }
      }
    }
    for (const [branch, versions] of branches) {
      await importer.commit(branch, `packages of ${branch}`);
      await importer.files(ownFiles(branch));
      const counted = new Set<string>();
      for (const [name, numbers] of Map.groupBy(versions, (version) => version.name)) {
        const slots = slotsOf(name, this.#dice);
        const contents = contentsOf(name, slots, lengths[name] ?? 0, this.#dice);
        for (const { number } of numbers) {
          for (const [slot, { path, mode, size }] of slots.entries()) {
            const label = `${name}.${slot}.${contents[slot]?.[number]}`;
            await importer.file(mode, label, `packages/${nameOf(name)}/${versionOf(number)}/${path}`);
            if (branch !== 'production') continue;
            files += 1;
            bytes += size;
            if (!counted.has(label)) uniqueBytes += size;
            counted.add(label);
          }
        }
      }
    }
    await importer.commit('main', 'configuration');
    await importer.files({ '.github/slipway.yaml': CONFIGURATION });
    return { files, bytes, uniqueBytes };
  }

  async writeAdditions(importer: Importer, branch: string, counts: readonly number[]): Promise<AddedVersion[]> {
    const additions = counts.map((count) => {
      const name = Math.floor(this.#dice(count, 91) * this.names);
      // No branch has so many versions of a name.
      const number = 5000 + count;
      return { name, number, count, path: `packages/${nameOf(name)}/${versionOf(number)}` };
    });
    for (const { name, number, count } of additions) {
      const slots = slotsOf(name, this.#dice);
      const before = contentsOf(name, slots, 1, this.#dice);
      for (const [slot, about] of slots.entries()) {
        const isNew = this.#dice(name, slot, count, 92) < about.change;
        const content = isNew ? number : (before[slot]?.[0] ?? 0);
        await importer.blob(this.#file(name, slot, content, about), `${count}.${slot}`);
      }
    }
    const added = additions.map(({ name, number }) => ({ name: nameOf(name), version: versionOf(number) }));
    const [first, ...others] = added.map(({ name, version }) => `${name} ${version}`);
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    await importer.commit(branch, `[${branch}] Add ${first}${more}`, `refs/heads/${branch}^0`);
    for (const { name, count, path: directory } of additions) {
      for (const [slot, { path, mode }] of slotsOf(name, this.#dice).entries()) {
        await importer.file(mode, `${count}.${slot}`, `${directory}/${path}`);
      }
    }
    return added;
  }

  #file(name: number, slot: number, content: number, about: Slot | undefined): Buffer {
    if (about === undefined) throw new RangeError(`there is no slot ${slot}`);
    if (slot !== 0) return this.#contents.make(name, slot, content, about);
    // Every version has a manifest of its own.
    const head = `format_version: 1.0.0\nname: ${nameOf(name)}\nversion: ${versionOf(content)}\ntype: integration\n`;
    const comment = this.#contents.make(name, slot, content, about).toString('utf8').replaceAll('\n', '\n# ');
    return Buffer.from(`${head}# ${comment}\n`);
  }

  /** Returns which versions each branch has: production the first ones of every name, the others those after them. */
  #plan(): Map<string, Version[]> {
    const counts = this.#spreadVersions();
    const production = counts.flatMap((count, name) =>
      Array.from({ length: count }, (_, number) => ({ name, number })),
    );
    const plan = new Map<string, Version[]>([['production', production]]);
    const next = [...counts];
    for (const [branch, share] of Object.entries(SHARES)) {
      const total = Math.max(1, Math.round(this.#options.versions * share));
      plan.set(
        branch,
        Array.from({ length: total }, (_, index) => {
          const name = (index * 7 + branch.length) % this.names;
          const number = next[name] ?? 0;
          next[name] = number + 1;
          return { name, number };
        }).sort((a, b) => a.name - b.name || a.number - b.number),
      );
    }
    return plan;
  }

  /** A few names have a hundred versions, most have a handful. */
  #spreadVersions(): number[] {
    const weights = Array.from({ length: this.names }, (_, name) => 0.15 + this.#dice(name, 90) ** 4 * 4);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const counts = weights.map((weight) => Math.max(1, Math.floor((weight / total) * this.#options.versions)));
    let missing = this.#options.versions - counts.reduce((sum, count) => sum + count, 0);
    for (let name = 0; missing !== 0; name = (name + 1) % this.names) {
      const step = missing > 0 ? 1 : (counts[name] ?? 1) > 1 ? -1 : 0;
      counts[name] = (counts[name] ?? 0) + step;
      missing -= step;
    }
    return counts;
  }

  #countVersions(all: readonly Version[]): number[] {
    const lengths = new Array<number>(this.names).fill(0);
    for (const { name, number } of all) lengths[name] = Math.max(lengths[name] ?? 0, number + 1);
    return lengths;
  }
}

/** Returns over how many names the real storage would spread so many versions. */
export function namesOf(versions: number): number {
  return Math.max(1, Math.round(versions / VERSIONS_PER_NAME));
}

function nameOf(name: number): string {
  return `package_${String(name).padStart(4, '0')}`;
}

function versionOf(number: number): string {
  return `${Math.floor(number / 10)}.${number % 10}.0`;
}

const CONFIGURATION = `storage:\n  image: ${REGISTRY}/${IMAGE}\n`;

function ownFiles(branch: string): Readonly<Record<string, string>> {
  const upstreams = UPSTREAMS[branch] ?? [];
  const paths = [...upstreams, branch].map((name) => `  - /packages/${name}\n`).join('');
  const lines = [
    `ARG PACKAGE_REGISTRY=${BASE_TAG}`,
    ...upstreams.map((name) => `FROM ${REGISTRY}/${IMAGE}:${name} AS ${name}`),
    `FROM ${REGISTRY}/${BASE}:\${PACKAGE_REGISTRY}`,
    'ARG PACKAGE_REGISTRY',
    'LABEL package-registry=${PACKAGE_REGISTRY}',
    ...upstreams.map((name) => `COPY --from=${name} /packages/${name} /packages/${name}`),
    'COPY deployment/package-registry.yml /package-registry/config.yml',
    `COPY packages /packages/${branch}`,
    'WORKDIR /package-registry',
    'RUN ./package-registry -dry-run',
    'ENV EPR_DISABLE_PACKAGE_VALIDATION=true',
  ];
  return {
    Dockerfile: `${lines.join('\n')}\n`,
    'deployment/package-registry.yml': `package_paths:\n${paths}cache_time.index: 10s\n`,
  };
}

/** Writes to one `git fast-import`; https://git-scm.com/docs/git-fast-import#_input_format. */
class Importer {
  readonly #process: ChildProcessByStdio<Writable, null, null>;
  readonly #ended: Promise<unknown[]>;
  readonly #marks = new Map<string, number>();
  #pending: (string | Buffer)[] = [];
  #size = 0;

  constructor(directory: string) {
    // Level 1: a repository of gigabytes is to be made in minutes.
    const settings = ['-c', 'core.compression=1', '-c', 'fastimport.unpackLimit=0'];
    const args = ['fast-import', '--quiet', '--done', '--date-format=raw', '--depth=0'];
    this.#process = spawn('git', [`--git-dir=${directory}`, ...settings, ...args], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    this.#ended = once(this.#process, 'close');
  }

  async blob(bytes: Buffer, label: string): Promise<void> {
    const mark = this.#marks.size + 1;
    this.#marks.set(label, mark);
    await this.#write(`blob\nmark :${mark}\ndata ${bytes.length}\n`, bytes, '\n');
  }

  async commit(branch: string, message: string, from?: string): Promise<void> {
    const who = `bench <bench@example.com> ${TIME} +0000`;
    const head = `commit refs/heads/${branch}\nauthor ${who}\ncommitter ${who}\n`;
    const parent = from === undefined ? '' : `from ${from}\n`;
    await this.#write(`${head}data ${Buffer.byteLength(message)}\n${message}\n${parent}`);
  }

  async file(mode: string, label: string, path: string): Promise<void> {
    await this.#write(`M ${mode} :${this.#marks.get(label)} ${path}\n`);
  }

  async files(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await this.#write(`M 100644 inline ${path}\ndata ${Buffer.byteLength(content)}\n${content}\n`);
    }
  }

  async end(): Promise<void> {
    await this.#write('done\n');
    await this.#flush();
    this.#process.stdin.end();
    const [code] = await this.#ended;
    if (code !== 0) throw new Error(`git fast-import ended with ${code}.`);
  }

  async #write(...parts: readonly (string | Buffer)[]): Promise<void> {
    for (const part of parts) {
      this.#pending.push(part);
      this.#size += part.length;
    }
    if (this.#size > 1024 * 1024) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
    this.#pending = [];
    this.#size = 0;
    if (!this.#process.stdin.write(bytes)) await once(this.#process.stdin, 'drain');
  }
}
