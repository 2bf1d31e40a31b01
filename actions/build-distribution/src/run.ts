import type { Runtime } from '@slipway/core/action/action';
import { openStorage } from '@slipway/core/action/storage-access';
import { need } from '@slipway/core/configuration/configuration';
import { BranchStore } from '@slipway/core/distribution/branch-store';
import { buildImage } from '@slipway/core/distribution/build-image';
import { resolveSources } from '@slipway/core/distribution/build-sources';
import { prefetchCommits } from '@slipway/core/distribution/prefetch';
import { checkVersionTag, findImageOfVersion, writeVersionTag } from '@slipway/core/distribution/version-tag';
import { isAncestor } from '@slipway/core/github/ancestry';
import { parseReference } from '@slipway/core/image/reference';
import type { Finding } from '@slipway/core/plugin/finding';
import type { PackageVersion } from '@slipway/core/storage/package-version';
import type { Inputs } from './inputs.ts';
import { openImages } from './open-image.ts';
import { type Plan, report } from './report.ts';
import { reportTagged } from './report-tagged.ts';
import { findWanted } from './tagged-commit.ts';

export interface Outputs {
  readonly image: string;
  readonly digest: string;
  readonly commit: string;
  readonly result: 'built' | 'unchanged' | 'superseded';
  readonly stale: readonly string[];
  readonly downstream: readonly string[];
  /** The distributions from which what was promoted here is to be removed. */
  readonly previous: readonly string[];
  readonly packages: number;
  readonly added: readonly PackageVersion[];
  readonly findings: readonly Finding[];
  readonly plan: Plan;
  readonly changed: boolean;
  readonly [name: string]: unknown;
}

/**
 * Builds the image of a distribution from a commit of its branch, and moves the distribution's tag forward to it. For a tag
 * of git the commit's image is taken as it is where there is one, and is called after the tag as well.
 */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const { event, env, log } = runtime;
  const { configuration, storage } = await openStorage(inputs, runtime);
  const settings = configuration.storage;
  const image = parseReference(need(configuration, 'storage.image'));
  if (inputs.tag !== undefined) checkVersionTag(inputs.tag, settings.distributions);
  const { distribution, commit } = await findWanted(inputs, settings, storage);
  const url = `${event.serverUrl}/${storage.name}`;
  const directory = runtime.workDirectory;
  const store = new BranchStore({ url, token: inputs.token, directory, env });
  const dryRun = inputs['dry-run'];
  const opener = await openImages(image, inputs, configuration, runtime);
  try {
    const images = opener.open(image);
    if (inputs.tag !== undefined) {
      const known = await findImageOfVersion(images, distribution, { tag: inputs.tag, commit });
      if (known !== undefined) {
        const isNew = await writeVersionTag(images, inputs.tag, known.digest, { dryRun });
        const tagged = { distribution, settings, image, tag: inputs.tag, known, isNew, dryRun };
        return await reportTagged(tagged, store, runtime);
      }
    }
    const branch = await runtime.group(`Fetch ${commit} of ${url}`, async () => {
      await prefetchCommits({ distribution, settings, commit }, images, store);
      return store.openCommit(commit);
    });
    try {
      const builder = inputs.builder === 'slipway' ? undefined : inputs.builder;
      const isForeignBuild = builder !== undefined;
      const context = { branch, distribution, settings, image, open: opener.open, isForeignBuild };
      const sources = await resolveSources(context);
      const built = await buildImage(context, sources, {
        images,
        store,
        directory,
        checks: inputs.checks,
        plan: inputs.plan,
        // A tag of git gives its image a name, and rolls nothing out.
        keepTag: inputs.tag !== undefined,
        builder,
        dryRun,
        env,
        log,
        isAncestor: (ancestor, descendant) => isAncestor(storage.github, storage.name, ancestor, descendant),
      });
      if (inputs.tag !== undefined && built.digest !== undefined) {
        await writeVersionTag(images, inputs.tag, built.digest, { dryRun });
      }
      return report({ context, sources, built, dryRun, checks: inputs.checks, version: inputs.tag }, runtime);
    } finally {
      await branch.blobs.close();
    }
  } finally {
    await opener.close();
  }
}
