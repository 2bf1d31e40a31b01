import { type Configuration, need } from '@slipway/core/configuration/configuration';
import { type Distribution, findDistribution } from '@slipway/core/configuration/storage';
import { ConfigurationError } from '@slipway/core/errors';
import { parseReference, type Reference } from '@slipway/core/image/reference';
import { checkNamespace, deploymentName } from '@slipway/core/kubernetes/names';

/** What is rolled out, and where. */
export interface Target {
  readonly distribution: Distribution;
  /** The image of the distribution, by its moving tag. */
  readonly reference: Reference & { readonly tag: string };
  readonly namespace: string;
  readonly deployment: string;
}

/** Returns where a distribution runs; throws a ConfigurationError for what is not configured, and for a frozen one. */
export function readTarget(configuration: Configuration, name: string): Target {
  const distribution = findDistribution(configuration.storage, name);
  if (distribution.frozen) {
    throw new ConfigurationError(
      'frozen-distribution',
      `${name} is frozen (storage.distributions): it is not rolled out.`,
    );
  }
  const { registry, repository } = parseReference(need(configuration, 'storage.image'));
  return {
    distribution,
    reference: { registry, repository, tag: distribution.tag },
    namespace: checkNamespace(need(configuration, 'storage.rollout.namespace')),
    deployment: deploymentName(need(configuration, 'storage.rollout.deployment'), distribution.name),
  };
}
