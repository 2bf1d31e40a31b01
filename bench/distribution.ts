import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findBusybox } from '@slipway/sandbox/images/registry-base-image';
import type { DockerRegistry } from '../test/interop/docker-registry.ts';
import { actionCommand } from './action-command.ts';
import { Buildah } from './buildah.ts';
import type { Attempt, Contest, Contestant, Result } from './contest.ts';
import { DockerBuild } from './docker-build.ts';
import type { DockerfileBuilder } from './dockerfile-builder.ts';
import { measure } from './measure.ts';
import { countRequests, type Place } from './place.ts';
import { whyMissing } from './skopeo.ts';
import { IMAGE } from './storage-generator.ts';
import { CASCADE, StoragePlace, storedBytes, TOKEN } from './storage-place.ts';

/** A storage repository that is measured. */
export interface StorageSize {
  /** Ends the names of its cases. */
  readonly label: string;
  readonly versions: number;
  readonly names?: number;
  /** A repository that exists; default one that is made. */
  readonly repository?: string | undefined;
  /** False where a peer would need hours. */
  readonly peers: boolean;
}

export const SIZES: readonly StorageSize[] = [
  { label: '100', versions: 100, peers: true },
  { label: '2000', versions: 2000, peers: true },
];

/** Ten times the names, and ten times the versions of each name. */
export const LARGE_SIZES: readonly StorageSize[] = [
  { label: '20000', versions: 20_000, peers: false },
  { label: '20000-versions', versions: 20_000, names: 193, peers: false },
];

/** `fold` adds as many versions as make all recent layers be folded into the base ones. */
const JOBS = ['cold', 'unchanged', 'one-added', 'cascade', 'fold'] as const;
type Job = (typeof JOBS)[number];

export function distributionCases(sizes: readonly StorageSize[]): string[] {
  return sizes.flatMap(({ label }) => JOBS.map((job) => `${job}-${label}`));
}

/** How many additions are measured where there is no peer to wait for: their middle is what counts. */
const ADDITIONS = 20;

const places = new Map<string, Promise<StoragePlace>>();

export function storageOf(place: Place, size: StorageSize): Promise<StoragePlace> {
  const { label, versions, names, repository } = size;
  const storage = places.get(label) ?? StoragePlace.open(place, { versions, names, seed: 'bench' }, repository);
  places.set(label, storage);
  return storage;
}

/** Splits `one-added-20000` into the job and the size. */
export function readCase<Name extends string>(name: string, jobs: readonly Name[], sizes: readonly StorageSize[]) {
  const job = jobs.find((each) => name.startsWith(`${each}-`));
  const size = sizes.find(({ label }) => job !== undefined && name === `${job}-${label}`);
  if (job === undefined || size === undefined) throw new Error(`There is no case ${name}.`);
  return { job, size };
}

/** Lets `hold` have a contest between build-distribution and what builds from the Dockerfile as it is. */
export async function distributionContest(
  place: Place,
  name: string,
  sizes: readonly StorageSize[],
  hold: (contest: Contest) => Promise<Result>,
): Promise<Result> {
  const { job, size } = readCase(name, JOBS, sizes);
  const storage = await storageOf(place, size);
  const peers = BUILDERS.map(
    ({ who, Builder, ...peer }): Contestant => ({
      name: who,
      absent: size.peers ? whyNotFor(job, size, peer) : 'a peer would need hours',
      attempt: async () => {
        const warm = job === 'cold' ? undefined : await warmBuilder(place, storage, Builder, partsOf(job));
        return attempt(place, storage, job, (target) => buildWithPeer(place, storage, target, job, Builder, warm));
      },
    }),
  );
  if (job !== 'cold') await buildOurs(place, storage, storage.registry, CASCADE);
  const ours: Contestant = {
    name: 'build-distribution',
    attempt: () => attempt(place, storage, job, (target) => buildOurs(place, storage, target, partsOf(job))),
  };
  const most = job === 'fold' ? 1 : ADDITIONS;
  const runs = job === 'fold' || (job === 'one-added' && !size.peers) ? { runs: most } : {};
  return hold({ job: 'distribution', name, ours, peers, ...runs });
}

/** A peer, and what there is time for. */
interface BuilderPeer {
  readonly who: string;
  readonly Builder: typeof Buildah | typeof DockerBuild;
  readonly jobs: readonly Job[];
  /** Of more versions each build takes too many minutes. */
  readonly mostVersions: number;
  /** Says why it cannot take part. */
  readonly why: () => string | undefined;
}

const BUILDERS: readonly BuilderPeer[] = [
  {
    who: 'buildah bud, push',
    Builder: Buildah,
    jobs: ['cold', 'unchanged', 'one-added', 'cascade'],
    mostVersions: 2000,
    why: whyNoBuildah,
  },
  {
    who: 'docker build, push',
    Builder: DockerBuild,
    jobs: ['cold', 'one-added'],
    mostVersions: 100,
    why: () => whyNoBase() ?? whyMissing('dockerd', 'docker', 'git'),
  },
];

function whyNotFor(
  job: Job,
  { versions }: StorageSize,
  { jobs, mostVersions, why }: Omit<BuilderPeer, 'who' | 'Builder'>,
): string | undefined {
  if (job === 'fold') return 'it has no layers to fold';
  if (versions > mostVersions) return 'each of its builds would take too many minutes';
  return why() ?? (jobs.includes(job) ? undefined : 'measured for other jobs only');
}

/** Builders that have built before, by storage and kind: they end with the bench. */
const warmBuilders = new Map<StoragePlace, Map<BuilderPeer['Builder'], DockerfileBuilder>>();

/** Returns a builder that has built the distributions before, as one on a machine that is kept has. */
async function warmBuilder(
  place: Place,
  storage: StoragePlace,
  Builder: BuilderPeer['Builder'],
  distributions: readonly string[],
): Promise<DockerfileBuilder> {
  const known = warmBuilders.get(storage) ?? new Map<BuilderPeer['Builder'], DockerfileBuilder>();
  warmBuilders.set(storage, known);
  const builder = known.get(Builder) ?? new Builder(place.fresh('builder'), storage.cloneUrl, storage.registry);
  known.set(Builder, builder);
  await builder.prepare(storage.bases);
  const missing = builder.notBuilt(distributions);
  if (missing.length > 0) await measure({ script: builder.script(missing), directory: place.directory });
  return builder;
}

/** Ends what builders have started. */
export async function closeBuilders(): Promise<void> {
  for (const builder of warmBuilders.values().flatMap((known) => known.values())) await builder.clear();
  warmBuilders.clear();
}

function whyNoBase(): string | undefined {
  if (process.getuid?.() !== 0) return 'it builds here for root only';
  return findBusybox() === undefined ? 'busybox-static is not installed' : undefined;
}

function whyNoBuildah(): string | undefined {
  return whyNoBase() ?? whyMissing('buildah', 'git');
}

/** Checks run where the Dockerfile's RUN lines can: then both sides run them. */
const CHECKS = whyNoBuildah() === undefined ? 'changed' : 'off';

function partsOf(job: Job): readonly string[] {
  return job === 'cascade' ? CASCADE : ['production'];
}

/** Prepares what is built, builds it, and counts what the registry got. */
async function attempt(
  place: Place,
  storage: StoragePlace,
  job: Job,
  build: (target: DockerRegistry) => Promise<Omit<Attempt, 'bytes' | 'requests'>>,
): Promise<Attempt> {
  if (job === 'one-added' || job === 'cascade') await storage.addVersion('production');
  if (job === 'fold') await storage.fillRecentLayers();
  if (job === 'unchanged') await buildOurs(place, storage, storage.registry, ['production']);
  const work = async (target: DockerRegistry): Promise<Attempt> => {
    const before = await storedBytes(target.directory);
    const mark = target.log().length;
    const measured = await build(target);
    const bytes = (await storedBytes(target.directory)) - before;
    return { ...measured, bytes, requests: countRequests(target, mark) };
  };
  if (job !== 'cold') return work(storage.registry);
  return place.withTarget(async (target) => {
    await storage.pushBase(target);
    return work(target);
  });
}

/** Builds distributions with the action's bundle, each on a runner that has nothing of an earlier run. */
async function buildOurs(
  place: Place,
  storage: StoragePlace,
  target: DockerRegistry,
  distributions: readonly string[],
): Promise<Omit<Attempt, 'bytes'>> {
  const temp = place.fresh('temp');
  try {
    const config = await storage.writeConfiguration(temp, target);
    const commands = await Promise.all(
      distributions.map((distribution) =>
        actionCommand(
          place.tree,
          'build-distribution',
          { distribution, config, token: TOKEN, checks: CHECKS },
          join(temp, distribution),
          storage.env,
        ),
      ),
    );
    const measured = await measure({ script: commands.map(({ script }) => script).join(' && '), directory: temp });
    for (const command of commands) {
      const { result = 'none' } = await command.outputs();
      if (result !== 'built' && result !== 'unchanged') throw new Error(`build-distribution: the result is ${result}.`);
    }
    return measured;
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

async function buildWithPeer(
  place: Place,
  storage: StoragePlace,
  target: DockerRegistry,
  job: Job,
  Builder: BuilderPeer['Builder'],
  warm: DockerfileBuilder | undefined,
): Promise<Omit<Attempt, 'bytes'>> {
  const builder = warm ?? new Builder(place.fresh('builder'), storage.cloneUrl, target);
  try {
    await builder.prepare(storage.bases);
    const measured = await measure({ script: builder.script(partsOf(job)), directory: place.directory });
    const url = `http://${target.name}/v2/${IMAGE}/manifests/production`;
    const response = await fetch(url, { method: 'HEAD', headers: { accept: MANIFESTS } });
    if (!response.ok) throw new Error(`nothing was pushed: ${url} answers ${response.status}.`);
    return measured;
  } finally {
    if (warm === undefined) await builder.clear();
  }
}

/** What builders push. */
const MANIFESTS = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
