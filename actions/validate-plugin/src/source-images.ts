import type { Runtime } from '@slipway/core/action/action';
import { openRegistries, pluginSide } from '@slipway/core/action/registry-access';
import type { Configuration } from '@slipway/core/configuration/configuration';
import { ActionError, ConfigurationError } from '@slipway/core/errors';
import { parseManifest, platformsOf } from '@slipway/core/image/manifest';
import { formatPlatform } from '@slipway/core/image/platform';
import { parseReference } from '@slipway/core/image/reference';
import type { Plugin } from '@slipway/core/plugin/plugin';
import type { SourceImage } from '@slipway/core/plugin/subject';
import { readPlatform } from '@slipway/core/registry/platforms';
import type { Repository } from '@slipway/core/registry/repository';
import { mapPooled } from '@slipway/core/util/pool';
import type { Inputs } from './inputs.ts';

const AT_ONCE = 8;

/** Looks every image of the plugins up in the source registry; what goes wrong with one is said of that one. */
export async function lookUpImages(
  plugins: readonly Plugin[],
  configuration: Configuration,
  inputs: Inputs,
  runtime: Runtime,
): Promise<ReadonlyMap<string, SourceImage>> {
  const references = [...new Set(plugins.flatMap(({ images }) => images.map(({ source }) => source)))];
  const registries = await openRegistries(
    pluginSide('source', configuration),
    references.map(parseReference),
    inputs,
    configuration,
    runtime,
  );
  try {
    const found = await mapPooled(references, AT_ONCE, async (reference): Promise<[string, SourceImage]> => {
      const parsed = parseReference(reference);
      try {
        return [reference, await describe(registries.repository(parsed), parsed.digest ?? parsed.tag ?? 'latest')];
      } catch (error) {
        if (!(error instanceof ActionError || error instanceof ConfigurationError)) throw error;
        return [reference, { problem: error.message }];
      }
    });
    return new Map(found);
  } finally {
    await registries.close();
  }
}

async function describe(repository: Repository, reference: string): Promise<SourceImage> {
  const head = await repository.head(reference);
  if (head === undefined) return { missing: true };
  const manifest = await repository.manifest(head.digest);
  const parsed = parseManifest(manifest, `${repository}@${head.digest}`);
  if (parsed.kind === 'index') return { digest: head.digest, platforms: platformsOf(parsed) };
  return { digest: head.digest, platforms: [formatPlatform(await readPlatform(repository, parsed))] };
}
