import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import type { Finding } from '../plugin/finding.ts';
import type { Repository } from '../registry/repository.ts';
import type { PackageVersion } from '../storage/package-version.ts';
import type { Log } from '../util/log.ts';
import { findAddedPackages } from './added-packages.ts';
import { readBaseFiles } from './base-files.ts';
import type { BranchStore } from './branch-store.ts';
import { type BuildLayer, checkLayerCount, makeLayers, planBuild, type ReadyLayer } from './build-layers.ts';
import { type BuildContext, type BuildSources, labelUpstream } from './build-sources.ts';
import { applySteps } from './container-settings.ts';
import { findRegression, type IsAncestor } from './distribution-tags.ts';
import { assembleImage } from './image-assembly.ts';
import { checkAssembled, checkExisting } from './image-checks.ts';
import { type ExistingImage, findKnownImages } from './known-images.ts';
import type { DistributionLabels } from './labels.ts';
import { formatLayerLabel } from './labels.ts';
import { checkNothingVanishes, findLostPackages } from './lost-packages.ts';
import { publishImage } from './publish-image.ts';
import type { PublishedDistribution } from './published-distribution.ts';
import type { CheckOptions } from './run-checks.ts';
import { readServedPackages } from './served-by-image.ts';
import { findDownstream } from './stale-distributions.ts';
import { chooseTag, findSuperseded, moveTag } from './tag-moves.ts';
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
  /** The published distributions that contain it, in the order of their rebuilds. */
  readonly downstream: readonly string[];
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
  const { images, store } = options;
  const known = await findKnownImages(context, sources, images);
  const { current, existing } = known;
  const scratch = await makeTemporaryDirectory(options.directory, 'build');
  try {
    const foreign = await findLostPackages(context, current, join(scratch, 'current'));
    const findings = [...sources.findings, ...known.findings, ...foreign];
    const build = new Build(context, sources, options, scratch, findings);
    const isLate = (await findRegression(current?.labels, build.label(), options.isAncestor)) !== undefined;
    // A build that comes too late takes nothing away: the tag stays where it is.
    build.replaced = isLate ? undefined : current;
    const added = await findAddedPackages(context, current, store);
    const outcome = await (existing === undefined ? build.make([current, known.first]) : build.keep(existing));
    const superseded = await findSuperseded(context, sources, outcome.labels, options);
    const moved = superseded === undefined && (await moveTag(distribution.tag, outcome.digest, options));
    const isChanged = outcome.isNew || moved;
    const shown = superseded === undefined ? outcome.digest : (await images.head(distribution.tag))?.digest;
    const downstream = await findDownstream(settings, distribution.name, shown, images);
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
      stale: downstream.stale,
      downstream: downstream.published,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** One build under way. */
class Build {
  readonly #context: BuildContext;
  readonly #sources: BuildSources;
  readonly #options: BuildOptions;
  readonly #scratch: string;
  readonly findings: Finding[];
  /** The image that the built one takes the place of. */
  replaced: PublishedDistribution | undefined;
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
    if (this.#options.checks === 'all' && !this.#options.dryRun) {
      await checkExisting(this.#sources, image, this.#checkOptions());
    }
    const [{ manifest }] = image.platforms;
    const layers = manifest.layers.map(({ digest, size }, index) => {
      const label = labels.layers[index] ?? 'files';
      return { label: formatLayerLabel(label), digest, size, reused: true };
    });
    return { tag, digest: image.digest, isNew: false, labels, layers, pushed: 0, reused: sum(layers) };
  }

  /** Builds and publishes an image that does not exist. */
  async make(previous: readonly (PublishedDistribution | undefined)[]): Promise<Outcome> {
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
    const labels = this.label(plan.foreign);
    const ofBase = base.image.platforms[0].manifest.layers.map(({ digest, size }) => ({
      label: 'base',
      digest,
      size,
      reused: true,
    }));
    if (dryRun) {
      const layers = [...ofBase, ...plan.layers.map(describePlanned)];
      return {
        tag: await chooseTag(this.#context, this.#sources, images, undefined),
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
    if (this.#options.checks !== 'off') {
      await checkAssembled(this.#sources, assembled, ready, this.#checkOptions());
    }
    const { tag, pushed, reused } = await publishImage(assembled, ready, base.image.repository, images, () =>
      chooseTag(this.#context, this.#sources, images, assembled.top.digest),
    );
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

  /** Returns what the image will say of itself; `foreign` is what upstreams hold that were not built by us. */
  label(
    foreign: ReadonlyMap<string, DistributionLabels['upstreams'][number]['packages']> = new Map(),
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

  /** Compares what will be served with what the branches hold, and with what is served now. */
  async #judge(foreign: Parameters<typeof readServedPackages>[3]): Promise<void> {
    const served = await readServedPackages(this.#context, this.#sources, this.#options.store, foreign);
    this.packages = served.versions.length;
    this.findings.push(...served.findings);
    const error = served.findings.find(({ severity }) => severity === 'error');
    if (error !== undefined) throw new ConfigurationError(error.rule, `${error.message} ${error.fix}`);
    await checkNothingVanishes(this.#context, this.#sources, this.replaced, served.versions, this.#options.store);
  }

  #checkOptions(): CheckOptions {
    const { env, log } = this.#options;
    return { directory: this.#scratch, env, log };
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
