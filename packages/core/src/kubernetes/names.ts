import { ConfigurationError } from '../errors.ts';

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const SUBDOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const NAME = new RegExp(`^${LABEL}$`);

/**
 * Returns the name of the deployment that serves a distribution. Throws a ConfigurationError for names that Kubernetes
 * does not have: what reaches a command line is known to be nothing but a name.
 */
export function deploymentName(template: string, distribution: string): string {
  if (!NAME.test(distribution)) {
    throw new ConfigurationError('invalid-distribution', `'${distribution}' is no name of a distribution.`);
  }
  const name = template.replaceAll('{distribution}', distribution);
  if (SUBDOMAIN.test(name) && name.length <= 253) return name;
  throw new ConfigurationError(
    'invalid-deployment',
    `storage.rollout.deployment: '${name}' is no name of a deployment.`,
  );
}

/** Returns `name` when it is the name of a namespace; throws a ConfigurationError otherwise. */
export function checkNamespace(name: string): string {
  if (NAME.test(name)) return name;
  throw new ConfigurationError('invalid-namespace', `storage.rollout.namespace: '${name}' is no name of a namespace.`);
}
