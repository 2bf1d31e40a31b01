import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { formatPlatform } from '../image/platform.ts';
import type { Finding } from '../plugin/finding.ts';
import type { Repository } from '../registry/repository.ts';
import type { PackageVersion } from '../storage/package-version.ts';
import type { Log } from '../util/log.ts';
import { findAddedPackages } from './added-packages.ts';
import { readBaseFiles } from './base-files.ts';
import type { BranchStore } from './branch-store.ts';
import {
  type BuildLayer,
  checkLayerCount,
  hasAllLayers,
  makeLayers,
  planBuild,
  type ReadyLayer,
} from './build-layers.ts';
import { type BuildContext, type BuildSources, labelUpstream } from './build-sources.ts';
import { applySteps } from './container-settings.ts';
import { cascadeTag, findRegression, type IsAncestor, isBuiltFrom } from './distribution-tags.ts';
import { type AssembledImage, assembleImage } from './image-assembly.ts';
import type { DistributionLabels } from './labels.ts';
import { formatLayerLabel } from './labels.ts';
import { findLostPackages } from './lost-packages.ts';
import { publishImage } from './publish-image.ts';
import { findImage, type PublishedDistribution } from './published-distribution.ts';
import { runChecks } from './run-checks.ts';
import { readServedPackages } from './served-by-image.ts';
import { findStale } from './stale-distributions.ts';
import { makeTemporaryDirectory } from './temporary-directory.ts';

export interface BuildOptions {
  /** Repository of the distributions' images. */
  readonly images: Repository;
  readonly store: BranchStore;
  /** A directory for what the build needs. */
  readonly directory: string;
  /** `changed` checks an image that is built now, `all` one that exists already too. */
  readonly checks: 'changed' | 'all' | 'off';
  /** Only look and decide, write nothing. */
  readonly dryRun: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  readonly isAncestor: IsAncestor;
}

/** A layer of the built image. */
export interface BuiltLayer {
  /** `base`, `files`, or `<distribution>:<key>`. */
  readonly label: string;
  /** Empty for one that a dry run would make. */
  readonly digest: string;
  /** Bytes; 0 for one that a dry run would make. */
  readonly size: number;
  readonly reused: boolean;
}

export interface BuildResult {
  readonly result: 'built' | 'unchanged' | 'superseded';
  /** The tag that is written once. */
  readonly tag: string;
  /** Undefined when a dry run would have to build it. */
  readonly digest: Digest | undefined;
  /** Why the distribution's tag did not move. */
  readonly superseded: string | undefined;
  /** Of the first platform, the lowest first. */
  readonly layers: readonly BuiltLayer[];
  /** Bytes that were sent to the registry, and bytes of layers that were there. */
  readonly pushed: number;
  readonly reused: number;
  /** How many package versions a registry will serve of it. */
  readonly packages: number;
  /** Those of the branch that the image before did not hold, or held with other content. */
  readonly added: readonly PackageVersion[];
  /** Upstreams whose images were not built by us. */
  readonly foreign: readonly string[];
  readonly findings: readonly Finding[];
  readonly stale: readonly string[];
}

/** What a build comes to before the distribution's tag is looked at. */
interface Outcome extends Pick<BuildResult, 'tag' | 'digest' | 'layers' | 'pushed' | 'reused'> {
  readonly isNew: boolean;
  readonly labels: DistributionLabels;
}

/**
 * Builds a distribution's image from a commit, publishes it under a tag of its own, and moves the distribution's tag to
 * it. What exists already is not built again; every step finds out from the registry what is left to do, so that a run
 * that was killed is finished by the next one.
 */
export async function buildImage(
  context: BuildContext,
  sources: BuildSources,
  options: BuildOptions,
): Promise<BuildResult> {
  const { distribution, settings } = context;
  const { images } = options;
  const current = await findImage(images, distribution.tag);
  const first = await findImage(images, context.branch.commit);
  const existing = await findExisting(context, sources, first, images);
  const scratch = await makeTemporaryDirectory(options.directory, 'build');
  try {
    const findings = [...sources.findings, ...(await findLostPackages(context, current, join(scratch, 'current')))];
    const build = new Build(context, sources, options, scratch, findings);
    const added = await findAddedPackages(context, current, options.store);
    const isThere = existing !== undefined && (await hasAllLayers(existing.image));
    const tag = existing?.tag ?? chooseTag(context, sources, first);
    const outcome = isThere ? await build.keep(existing) : await build.make([current, first], tag);
    const superseded = await findRegressionNow(context, outcome, options);
    const moved = superseded === undefined && (await moveTag(context, outcome, options));
    const isChanged = outcome.isNew || moved;
    const shown = superseded === undefined ? outcome.digest : (await findImage(images, distribution.tag))?.digest;
    return {
      result: superseded !== undefined ? 'superseded' : isChanged ? 'built' : 'unchanged',
      superseded,
      tag: outcome.tag,
      digest: outcome.digest,
      layers: outcome.layers,
      pushed: outcome.pushed,
      reused: outcome.reused,
      packages: build.packages,
      added,
      foreign: outcome.labels.upstreams.filter(({ revision }) => revision === undefined).map(({ name }) => name),
      findings: build.findings,
      stale: await findStale(settings, distribution.name, shown, images),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface ExistingImage {
  readonly tag: string;
  readonly image: PublishedDistribution & { readonly labels: DistributionLabels };
}

function inputsOf({ base, upstreams }: BuildSources) {
  return {
    base: base.image.digest,
    upstreams: upstreams.map(labelUpstream),
  };
}

/** Finds the image of the same commit, base and upstreams under one of the two tags it can have. */
async function findExisting(
  { branch: { commit } }: BuildContext,
  sources: BuildSources,
  first: PublishedDistribution | undefined,
  images: Repository,
): Promise<ExistingImage | undefined> {
  const inputs = inputsOf(sources);
  if (first?.labels !== undefined && isBuiltFrom(first.labels, commit, inputs)) {
    return { tag: commit, image: { ...first, labels: first.labels } };
  }
  const tag = cascadeTag(commit, inputs);
  const cascade = await findImage(images, tag);
  return cascade?.labels === undefined ? undefined : { tag, image: { ...cascade, labels: cascade.labels } };
}

/** A commit's first image is called after it, a later one after what it is made of, too. */
function chooseTag(
  { branch: { commit } }: BuildContext,
  sources: BuildSources,
  first: PublishedDistribution | undefined,
): string {
  return first === undefined ? commit : cascadeTag(commit, inputsOf(sources));
}

/** One build under way. */
class Build {
  readonly #context: BuildContext;
  readonly #sources: BuildSources;
  readonly #options: BuildOptions;
  readonly #scratch: string;
  readonly findings: Finding[];
  packages = 0;

  constructor(
    context: BuildContext,
    sources: BuildSources,
    options: BuildOptions,
    scratch: string,
    findings: Finding[],
  ) {
    this.#context = context;
    this.#sources = sources;
    this.#options = options;
    this.#scratch = scratch;
    this.findings = findings;
  }

  /** Takes an image that exists. */
  async keep({ tag, image }: ExistingImage): Promise<Outcome> {
    const { labels } = image;
    const foreign = labels.upstreams.flatMap(({ name, packages }) =>
      packages === undefined ? [] : [[name, packages] as const],
    );
    await this.#judge(new Map(foreign));
    if (this.#options.checks === 'all' && !this.#options.dryRun) await this.#checkExisting(image);
    const [{ manifest }] = image.platforms;
    const layers = manifest.layers.map(({ digest, size }, index) => {
      const label = labels.layers[index] ?? 'files';
      return { label: formatLayerLabel(label), digest, size, reused: true };
    });
    return { tag, digest: image.digest, isNew: false, labels, layers, pushed: 0, reused: sum(layers) };
  }

  /** Builds and publishes an image that does not exist. */
  async make(previous: readonly (PublishedDistribution | undefined)[], tag: string): Promise<Outcome> {
    const { branch } = this.#context;
    const { base } = this.#sources;
    const { images, dryRun } = this.#options;
    const plan = await planBuild(this.#context, this.#sources, {
      previous,
      directory: join(this.#scratch, 'foreign'),
      base: await readBaseFiles(base.image, join(this.#options.directory, 'base-layers')),
    });
    checkLayerCount(this.#sources, plan.layers);
    await this.#judge(plan.foreign);
    const labels = this.#label(plan.foreign);
    const ofBase = base.image.platforms[0].manifest.layers.map(({ digest, size }) => ({
      label: 'base',
      digest,
      size,
      reused: true,
    }));
    if (dryRun) {
      const layers = [...ofBase, ...plan.layers.map(describePlanned)];
      return {
        tag,
        digest: undefined,
        isNew: true,
        labels: { ...labels, layers: [] },
        layers,
        pushed: 0,
        reused: sum(layers),
      };
    }
    const ready = await makeLayers(plan.layers, join(this.#scratch, 'layers'));
    const assembled = assembleImage({
      base: base.image,
      layers: ready,
      settings: ({ config }) => applySteps(config, this.#sources.dockerfile.steps),
      labels,
      time: branch.time,
    });
    if (this.#options.checks !== 'off') await this.#checkAssembled(assembled, ready);
    const { pushed, reused } = await publishImage(assembled, ready, base.image.repository, images, tag);
    const layers = [...ofBase, ...ready.map(describeReady)];
    return {
      tag,
      digest: assembled.top.digest,
      isNew: true,
      labels: { ...labels, layers: [] },
      layers,
      pushed,
      reused,
    };
  }

  #label(
    foreign: ReadonlyMap<string, DistributionLabels['upstreams'][number]['packages']>,
  ): Omit<DistributionLabels, 'layers'> {
    const { branch, distribution } = this.#context;
    const { base, upstreams } = this.#sources;
    return {
      distribution: distribution.name,
      revision: branch.commit,
      base: { name: base.name, digest: base.image.digest },
      upstreams: upstreams.map((upstream) => {
        const packages = foreign.get(upstream.distribution.name);
        return { ...labelUpstream(upstream), ...(packages !== undefined && { packages }) };
      }),
    };
  }

  /** Compares what will be served with what the branches hold. */
  async #judge(foreign: Parameters<typeof readServedPackages>[3]): Promise<void> {
    const served = await readServedPackages(this.#context, this.#sources, this.#options.store, foreign);
    this.packages = served.versions.length;
    this.findings.push(...served.findings);
    const error = served.findings.find(({ severity }) => severity === 'error');
    if (error !== undefined) throw new ConfigurationError(error.rule, `${error.message} ${error.fix}`);
  }

  async #checkAssembled({ images }: AssembledImage, ready: readonly ReadyLayer[]): Promise<void> {
    const index = this.#platformHere();
    const platform = this.#sources.base.image.platforms[index];
    const image = images[index];
    if (platform === undefined || image === undefined) return;
    const contents = new Map(ready.map(({ descriptor, content }) => [descriptor.digest, content]));
    const { repository } = this.#sources.base.image;
    await this.#check({
      layers: image.layers,
      diffIds: [...platform.config.diffIds, ...ready.map(({ diffId }) => diffId)],
      base: platform.config,
      open: (layer) => contents.get(layer.digest) ?? repository.blob(layer),
    });
  }

  async #checkExisting({ platforms, repository }: PublishedDistribution): Promise<void> {
    const index = this.#platformHere();
    const base = this.#sources.base.image.platforms[index];
    const image = platforms[index];
    if (base === undefined || image === undefined) return;
    await this.#check({
      layers: image.manifest.layers,
      diffIds: image.config.diffIds,
      base: base.config,
      open: (layer) => repository.blob(layer),
    });
  }

  /** Programs run only on their own architecture. */
  #platformHere(): number {
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const { platforms } = this.#sources.base.image;
    const index = platforms.findIndex(({ config }) => config.platform.architecture === architecture);
    if (index !== -1 || !this.#sources.dockerfile.steps.some(({ kind }) => kind === 'run')) return Math.max(index, 0);
    throw new ConfigurationError(
      'platform-missing',
      `The base image has ${platforms.map(({ config }) => formatPlatform(config.platform)).join(', ')}, and this runner is ` +
        `linux/${architecture}: the checks cannot run. Use a runner of another kind, or give the input checks: off.`,
    );
  }

  #check(image: Parameters<typeof runChecks>[1]): Promise<void> {
    const { env, log } = this.#options;
    return runChecks(this.#sources.dockerfile, image, { directory: join(this.#scratch, 'checks'), env, log });
  }
}

function describePlanned(layer: BuildLayer): BuiltLayer {
  const label = formatLayerLabel(layer.label);
  if (layer.kind === 'new') return { label, digest: '', size: 0, reused: false };
  const { digest, size } = layer.layer.descriptor;
  return { label, digest, size, reused: true };
}

function describeReady({ label, descriptor: { digest, size }, from }: ReadyLayer): BuiltLayer {
  return { label: formatLayerLabel(label), digest, size, reused: from !== undefined };
}

function sum(layers: readonly BuiltLayer[]): number {
  return layers.reduce((total, { size, reused }) => total + (reused ? size : 0), 0);
}

/** Another build may have moved the tag while this one worked, so it is looked up last. */
async function findRegressionNow(
  { distribution }: BuildContext,
  { labels }: Outcome,
  { images, isAncestor }: BuildOptions,
): Promise<string | undefined> {
  const now = await findImage(images, distribution.tag);
  return findRegression(now?.labels, labels, isAncestor);
}

/** Moves the distribution's tag; returns whether it had to be moved. */
async function moveTag(
  { distribution }: BuildContext,
  { digest }: Outcome,
  { images, dryRun }: BuildOptions,
): Promise<boolean> {
  if (digest === undefined || (await images.head(distribution.tag))?.digest === digest) return false;
  if (!dryRun) await images.putManifest(await images.manifest(digest), distribution.tag);
  return true;
}
