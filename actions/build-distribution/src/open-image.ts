import type { Runtime } from '@slipway/core/action/action';
import { openRegistries, storageSide } from '@slipway/core/action/registry-access';
import type { Configuration } from '@slipway/core/configuration/configuration';
import { ConfigurationError } from '@slipway/core/errors';
import { formatReference, type Reference } from '@slipway/core/image/reference';
import type { Repository } from '@slipway/core/registry/repository';
import type { Inputs } from './inputs.ts';

/** Opens the repositories that a Dockerfile names. */
export interface ImageOpener {
  open(reference: Reference): Repository;
  close(): Promise<void>;
}

/**
 * Opens registries: that of the distributions' images, and those that the configuration names. A Dockerfile cannot make
 * the action talk to any other.
 */
export async function openImages(
  image: Reference,
  inputs: Inputs,
  configuration: Configuration,
  runtime: Runtime,
): Promise<ImageOpener> {
  const others = Object.keys(configuration.registries).filter((name) => name !== image.registry);
  const targets = await openRegistries(storageSide(configuration), [image], inputs, configuration, runtime);
  const anyOf = others.map((registry) => ({ registry, repository: 'any' }));
  const sources = await openRegistries({ name: 'source', home: undefined }, anyOf, inputs, configuration, runtime);
  return {
    open: (reference) => {
      if (reference.registry === image.registry) return targets.repository(reference);
      if (others.includes(reference.registry)) return sources.repository(reference);
      throw new ConfigurationError(
        'registry-not-allowed',
        `The Dockerfile names ${formatReference(reference)}, whose registry is neither that of storage.image nor in the ` +
          `configuration's \`registries\`. Correct it, or add the registry:\n\nregistries:\n  ${reference.registry}: {}\n`,
      );
    },
    close: async () => {
      await Promise.all([targets.close(), sources.close()]);
    },
  };
}
