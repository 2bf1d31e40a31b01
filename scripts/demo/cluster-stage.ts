import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { findBusybox, makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { findRealKubectl, installKubectlStandIn } from '@slipway/sandbox/kubernetes/install-kubectl';
import type { KubernetesServer } from '@slipway/sandbox/kubernetes/server';
import { type PackageRegistryServer, startPackageRegistry } from '@slipway/sandbox/package-registry/server';
import type { Sandbox } from '@slipway/sandbox/sandbox';
import { DISTRIBUTIONS, NEXT_REGISTRY, REGISTRY } from './cast.ts';
import { readCredentials } from './credentials.ts';

export const NAMESPACE = 'package-registry';

/** Whether a kubectl was on the PATH, or a stand-in was put there; and the PATH to use. */
export interface Kubectl {
  readonly kind: 'real' | 'stand-in';
  readonly path: string;
}

/** Finds kubectl, or installs the stand-in. */
export async function prepareKubectl(state: string): Promise<Kubectl> {
  const path = process.env['PATH'] ?? '';
  if (findRealKubectl() !== undefined) return { kind: 'real', path };
  const bin = join(state, 'bin');
  await installKubectlStandIn(bin);
  return { kind: 'stand-in', path: `${bin}:${path}` };
}

/** Starts what serves the packages of each distribution: the image that its pods run, whichever that is. */
export async function servePackages(sandbox: Sandbox): Promise<Readonly<Record<string, PackageRegistryServer>>> {
  const { target, environment, cluster } = sandbox;
  const credentials = readCredentials(environment['DOCKER_CONFIG'] ?? '');
  const served: Record<string, PackageRegistryServer> = {};
  for (const distribution of DISTRIBUTIONS) {
    served[distribution] = await startPackageRegistry({
      registry: target.url,
      repository: 'package-registry/distribution',
      credentials,
      running: () => runningDigest(cluster, distribution),
    });
  }
  return served;
}

/** Pushes the base images of the distributions: the version in use, and the next one. */
export async function pushBaseImages({ target, environment }: Sandbox): Promise<void> {
  const busybox = findBusybox();
  for (const version of [REGISTRY, NEXT_REGISTRY]) {
    const image = makeRegistryBaseImage({ version, ...(busybox !== undefined && { busybox }) });
    const credentials = readCredentials(environment['DOCKER_CONFIG'] ?? '');
    await pushImage(target.url, 'package-registry/package-registry', version, image, credentials);
  }
}

/** Deploys a distribution, once there is an image to deploy. */
export function deploy(cluster: KubernetesServer, distribution: string): void {
  cluster.addDeployment({
    namespace: NAMESPACE,
    name: deploymentOf(distribution),
    image: `harbor.example.com/package-registry/distribution:${distribution}`,
    imagePullPolicy: 'Always',
  });
}

export function deploymentOf(distribution: string): string {
  return `package-registry-${distribution}-vanilla`;
}

function runningDigest(cluster: KubernetesServer, distribution: string): string | undefined {
  const isReady = ({ metadata, status }: ReturnType<KubernetesServer['pods']>[number]): boolean =>
    metadata.name.startsWith(`${deploymentOf(distribution)}-`) &&
    status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  const pod = cluster.pods(NAMESPACE).findLast(isReady);
  return pod?.status.containerStatuses?.[0]?.imageID.split('@')[1];
}
