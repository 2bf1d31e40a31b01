import type { Runtime } from '@slipway/core/action/action';
import type { Distribution, StorageSettings } from '@slipway/core/configuration/storage';
import type { BranchStore } from '@slipway/core/distribution/branch-store';
import { type DistributionLabels, formatLayerLabel } from '@slipway/core/distribution/labels';
import { listPackageVersions } from '@slipway/core/distribution/package-files';
import type { PublishedDistribution } from '@slipway/core/distribution/published-distribution';
import { shortDigest } from '@slipway/core/image/digest';
import { formatReference, type Reference } from '@slipway/core/image/reference';
import { before } from '@slipway/core/storage/direction';
import { formatPackageVersion } from '@slipway/core/storage/package-version';
import type { Outputs } from './run.ts';

/** An image that was there, and the tag of a version that shows it now. */
export interface Tagged {
  readonly distribution: Distribution;
  readonly settings: StorageSettings;
  readonly image: Reference;
  readonly tag: string;
  readonly known: PublishedDistribution & { readonly labels: DistributionLabels };
  /** The tag was written just now, or would be. */
  readonly isNew: boolean;
  readonly dryRun: boolean;
}

/** Tells that an image is called after a tag of git, on the job's page and in the outputs: nothing was built. */
export async function reportTagged(
  { distribution, settings, image, tag, known, isNew, dryRun }: Tagged,
  store: BranchStore,
  { summary, log }: Runtime,
): Promise<Outputs> {
  const { digest, labels, platforms } = known;
  const name = formatReference({ registry: image.registry, repository: image.repository, tag });
  const done = !isNew ? 'shows it already' : dryRun ? 'would be written' : 'written';
  log.info(`${name} ${shortDigest(digest)}: the image of ${labels.revision}; its tag ${done}`);
  summary.heading(`Distribution ${distribution.name}: ${tag}`);
  summary.table(['image', 'digest', 'commit', 'tag'], [[`\`${name}\``, `\`${digest}\``, labels.revision, done]]);
  const [{ manifest }] = platforms;
  const layers = manifest.layers.map((layer, index) => ({
    label: formatLayerLabel(labels.layers[index] ?? 'files'),
    digest: layer.digest,
    size: layer.size,
    reused: true,
  }));
  return {
    image: name,
    digest,
    commit: labels.revision,
    result: 'unchanged',
    stale: [],
    downstream: [],
    previous: before(settings, distribution).map((each) => each.name),
    packages: await countPackages(labels, store),
    added: [],
    findings: [],
    plan: {
      distribution: distribution.name,
      commit: labels.revision,
      tag,
      base: labels.base,
      upstreams: labels.upstreams.map((upstream) => ({
        distribution: upstream.name,
        name: upstream.name,
        digest: upstream.digest,
        foreign: upstream.revision === undefined,
      })),
      layers,
      pushed: 0,
      reused: layers.reduce((total, { size }) => total + size, 0),
      checks: 'off',
    },
    changed: isNew && !dryRun,
  };
}

/** Counts what an image holds, each package version once. */
async function countPackages({ revision, upstreams }: DistributionLabels, store: BranchStore): Promise<number> {
  const versions = new Set<string>();
  for (const { revision: commit, packages } of [{ revision, packages: undefined }, ...upstreams]) {
    const held =
      packages ?? (commit === undefined ? [] : listPackageVersions(await store.readDirectories(commit)).versions);
    for (const version of held) versions.add(formatPackageVersion(version));
  }
  return versions.size;
}
