import type { Configuration } from '../configuration/configuration.ts';
import { ActionError, ConfigurationError } from '../errors.ts';
import { parseManifest, platformsOf } from '../image/manifest.ts';
import { formatPlatform } from '../image/platform.ts';
import { parseReference } from '../image/reference.ts';
import type { Plugin } from '../plugin/plugin.ts';
import type { SourceImage } from '../plugin/subject.ts';
import { readPlatform } from '../registry/platforms.ts';
import type { Repository } from '../registry/repository.ts';
import { mapPooled } from '../util/pool.ts';
import type { Runtime } from './action.ts';
import { openRegistries, pluginSide } from './registry-access.ts';

const AT_ONCE = 8;

/** Looks every image of the plugins up in the source registry; what goes wrong with one is said of that one. */
export async function lookUpImages(
  plugins: readonly Plugin[],
  configuration: Configuration,
  inputs: Parameters<typeof openRegistries>[2],
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
