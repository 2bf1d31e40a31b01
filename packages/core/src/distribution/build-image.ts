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
import { buildByProgram, listExpected, listForeignUpstreams } from './build-by-program.ts';
import { type BuildLayer, checkLayerCount, makeLayers, planBuild, type ReadyLayer } from './build-layers.ts';
import { type BuildContext, type BuildSources, labelUpstream } from './build-sources.ts';
import type { BuilderName } from './builder-programs.ts';
import { checkGround, chooseCheckScope, hasChecks } from './checked-layers.ts';
import { applySteps } from './container-settings.ts';
import { findRegression, type IsAncestor } from './distribution-tags.ts';
import { type AssembledImage, assembleImage } from './image-assembly.ts';
import { addPackages, checkAssembled, checkExisting } from './image-checks.ts';
import { type ExistingImage, findKnownImages } from './known-images.ts';
import type { DistributionLabels } from './labels.ts';
import { formatLayerLabel } from './labels.ts';
import { checkNothingVanishes, findLostPackages } from './lost-packages.ts';
import { listPackageUnits } from './package-files.ts';
import type { PackagePlan, PackageUnit } from './package-plan.ts';
import { formatPlan, readPlan } from './previous-plan.ts';
import { publishImage } from './publish-image.ts';
import type { PublishedDistribution } from './published-distribution.ts';
import type { CheckOptions } from './run-checks.ts';
import { readServedPackages } from './served-by-image.ts';
import { findDownstream } from './stale-distributions.ts';
import { chooseTag, moveTag } from './tag-moves.ts';
import { makeTemporaryDirectory, removeTemporaryDirectory } from './temporary-directory.ts';
import { UnpackedPackages } from './unpacked-packages.ts';

export interface BuildOptions {
  /** Repository of the distributions' images. */
  readonly images: Repository;
  readonly store: BranchStore;
  /** A directory for what the build needs. */
  readonly directory: string;
  /** `changed` checks an image that is built now, `all` one that exists already too. */
  readonly checks: 'changed' | 'all' | 'off';
  /** `keep` goes on from the layers of the current image, `fresh` spreads all packages anew. */
  readonly plan: 'keep' | 'fresh';
  /** The program that carries the Dockerfile out in our place. */
  readonly builder?: BuilderName | undefined;
  /** Leaves the distribution's tag where it is. */
  readonly keepTag?: boolean;
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
  /** Which layer of its distribution's it is, such as `base 3` or `recent 0`. */
  readonly part?: string | undefined;
  /** Why it was made. */
  readonly why?: string | undefined;
  /** Bytes of its files, equal ones counted each time: what a plain COPY would store, not compressed. */
  readonly plain?: number | undefined;
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
  const unpacked = new UnpackedPackages(join(scratch, 'packages'));
  try {
    const foreign = await findLostPackages(context, current, join(scratch, 'current'));
    const findings = [...sources.findings, ...known.findings, ...foreign];
    const build = new Build(context, sources, options, { scratch, unpacked }, findings);
    const { isAncestor, keepTag = false } = options;
    const isHead = async () => (await store.findHead(distribution.name)) === context.branch.commit;
    const isLate = (await findRegression(current?.labels, build.label(), isAncestor, isHead)) !== undefined;
    // A build that comes too late takes nothing away: the tag stays where it is.
    build.replaced = isLate || keepTag ? undefined : current;
    const added = await findAddedPackages(context, current, store);
    const outcome = await (existing === undefined ? build.make([current, known.first]) : build.keep(existing));
    const { superseded, moved } = await moveTag(context, sources, outcome, { ...options, isHead, keepTag });
    const isChanged = outcome.isNew || moved;
    const isShown = superseded === undefined && !keepTag;
    const shown = isShown ? outcome.digest : (await images.head(distribution.tag))?.digest;
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
    await unpacked.remove();
    await removeTemporaryDirectory(scratch);
  }
}

/** One build under way. */
class Build {
  readonly #context: BuildContext;
  readonly #sources: BuildSources;
  readonly #options: BuildOptions;
  readonly #scratch: string;
  /** For the checks. */
  readonly #unpacked: UnpackedPackages;
  readonly findings: Finding[];
  /** The image that the built one takes the place of. */
  replaced: PublishedDistribution | undefined;
  packages = 0;

  constructor(
    context: BuildContext,
    sources: BuildSources,
    options: BuildOptions,
    { scratch, unpacked }: { readonly scratch: string; readonly unpacked: UnpackedPackages },
    findings: Finding[],
  ) {
    this.#context = context;
    this.#sources = sources;
    this.#options = options;
    this.#scratch = scratch;
    this.#unpacked = unpacked;
    this.findings = findings;
  }

  /** Takes an image that exists. */
  async keep({ tag, image }: ExistingImage): Promise<Outcome> {
    const { labels } = image;
    const foreign = labels.upstreams.flatMap(({ name, packages }) =>
      packages === undefined ? [] : [[name, packages] as const],
    );
    await this.#judge(new Map(foreign), []);
    // Another program has run them while it built the image, and they may have had a part in it.
    if (this.#options.checks === 'all' && !this.#options.dryRun && labels.builder === undefined) {
      await checkExisting(this.#sources, image, this.#unpacked, this.#checkOptions());
    }
    const [{ manifest }] = image.platforms;
    const layers = manifest.layers.map(({ digest, size }, index) => {
      const label = labels.layers[index] ?? 'files';
      return { label: formatLayerLabel(label), digest, size, reused: true, plain: labels.plain?.[index] };
    });
    return { tag, digest: image.digest, isNew: false, labels, layers, pushed: 0, reused: sum(layers) };
  }

  /** Builds and publishes an image that does not exist. */
  async make(previous: readonly (PublishedDistribution | undefined)[]): Promise<Outcome> {
    const { branch } = this.#context;
    const { base } = this.#sources;
    const { images, dryRun, builder } = this.#options;
    if (builder !== undefined) return this.#makeByProgram(builder);
    // What an image says of itself is not asked.
    const asked = this.#options.plan === 'fresh' ? [] : previous;
    const plan = await planBuild(this.#context, this.#sources, {
      previous: asked,
      directory: join(this.#scratch, 'foreign'),
      base: await readBaseFiles(base.image, join(this.#options.directory, 'base-layers')),
      plan: await this.#readPlan(asked),
    });
    checkLayerCount(this.#sources, plan.layers);
    await this.#judge(plan.foreign, plan.made);
    const written = plan.packages && { plan: formatPlan(plan.packages) };
    const labels = { ...this.label(plan.foreign), ...written };
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
    const { ready, checked } = await this.#makeChecked(plan.layers, previous);
    const assembled = assembleImage({
      base: base.image,
      layers: ready,
      settings: ({ config }) => applySteps(config, this.#sources.dockerfile.steps),
      labels: { ...labels, ...(checked !== undefined && { checked }) },
      time: branch.time,
    });
    return this.#publish(assembled, ready, labels, ofBase);
  }

  /** Lets another program build an image that does not exist, and publishes what comes of it. */
  async #makeByProgram(builder: BuilderName): Promise<Outcome> {
    const { env, log, dryRun, images, store } = this.#options;
    const foreign = await listForeignUpstreams(this.#sources, join(this.#scratch, 'foreign'));
    await this.#judge(foreign, [listPackageUnits(this.#context.branch.tree)]);
    const labels = this.label(foreign);
    if (dryRun) {
      const tag = await chooseTag(this.#context, this.#sources, images, undefined);
      const planned = { ...labels, layers: [] };
      return { tag, digest: undefined, isNew: true, labels: planned, layers: [], pushed: 0, reused: 0 };
    }
    const expected = await listExpected(this.#context, this.#sources, foreign, store);
    const program = { builder, directory: join(this.#scratch, 'builder'), expected, env, log };
    const { assembled, ready } = await buildByProgram(this.#context, this.#sources, labels, program);
    return this.#publish(assembled, ready, labels, []);
  }

  async #publish(
    assembled: AssembledImage,
    ready: readonly ReadyLayer[],
    labels: Omit<DistributionLabels, 'layers'>,
    ofBase: readonly BuiltLayer[],
  ): Promise<Outcome> {
    const { images } = this.#options;
    const { digest } = assembled.top;
    const published = await publishImage(assembled, ready, this.#sources.base.image.repository, images, () =>
      chooseTag(this.#context, this.#sources, images, digest),
    );
    const layers = [...ofBase, ...ready.map(describeReady)];
    return { ...published, digest, isNew: true, labels: { ...labels, layers: [] }, layers };
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

  /** Returns how the packages were spread in the image before; undefined begins anew. */
  async #readPlan(previous: readonly (PublishedDistribution | undefined)[]): Promise<PackagePlan | undefined> {
    for (const image of previous) {
      const plan = await readPlan(image, this.#context.distribution.name, this.#options.store);
      if (plan !== undefined) return plan;
    }
    return undefined;
  }

  /** Compares what will be served with what the branches hold, and with what is served now. */
  async #judge(
    foreign: Parameters<typeof readServedPackages>[3],
    made: readonly (readonly PackageUnit[])[],
  ): Promise<void> {
    const served = await readServedPackages(this.#context, this.#sources, this.#options.store, foreign, made);
    this.packages = served.versions.length;
    this.findings.push(...served.findings);
    const error = served.findings.find(({ severity }) => severity === 'error');
    if (error !== undefined) throw new ConfigurationError(error.rule, `${error.message} ${error.fix}`);
    await checkNothingVanishes(this.#context, this.#sources, this.replaced, served.versions, this.#options.store);
  }

  /** Makes the layers and runs the checks, before anything is published; returns the ground that they passed on. */
  async #makeChecked(
    layers: readonly BuildLayer[],
    previous: readonly (PublishedDistribution | undefined)[],
  ): Promise<{ readonly ready: readonly ReadyLayer[]; readonly checked: string | undefined }> {
    const { base, dockerfile } = this.#sources;
    const { compression } = this.#context.distribution;
    const { checks } = this.#options;
    const unpacked = this.#unpacked;
    try {
      // What is made now no image had before: every scope looks at it.
      const begin = (layer: ReadyLayer): void => {
        if (checks !== 'off' && hasChecks(dockerfile)) addPackages(unpacked, layer);
      };
      const ready = await makeLayers(layers, join(this.#scratch, 'layers'), compression, begin);
      const ground = checkGround(dockerfile, base.image.digest, ready);
      if (checks === 'off' || ground === undefined) return { ready, checked: undefined };
      const scope = checks === 'all' ? ({ kind: 'all' } as const) : chooseCheckScope(ground, ready, previous);
      await checkAssembled(this.#sources, ready, scope, unpacked, this.#checkOptions());
      return { ready, checked: ground };
    } finally {
      // It goes on while the image is published, and the end of the build waits for it.
      unpacked.remove().catch(() => undefined);
    }
  }

  #checkOptions(): CheckOptions {
    const { env, log } = this.#options;
    return { directory: this.#scratch, env, log };
  }
}

function describePlanned(layer: BuildLayer): BuiltLayer {
  const { part, why } = layer;
  const label = formatLayerLabel(layer.label);
  if (layer.kind === 'new') return { label, digest: '', size: 0, reused: false, part, why };
  const { descriptor, plain } = layer.layer;
  return { label, digest: descriptor.digest, size: descriptor.size, reused: true, part, plain };
}

function describeReady({ label, descriptor: { digest, size }, from, part, why, plain }: ReadyLayer): BuiltLayer {
  return { label: formatLayerLabel(label), digest, size, reused: from !== undefined, part, why, plain };
}

function sum(layers: readonly BuiltLayer[]): number {
  return layers.reduce((total, { size, reused }) => total + (reused ? size : 0), 0);
}
