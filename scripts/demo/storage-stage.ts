import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { findBusybox, makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { findRealKubectl, installKubectlStandIn } from '@slipway/sandbox/kubernetes/install-kubectl';
import type { KubernetesServer } from '@slipway/sandbox/kubernetes/server';
import { type PackageRegistryServer, startPackageRegistry } from '@slipway/sandbox/package-registry/server';
import { dump, load } from 'js-yaml';
import { DISTRIBUTIONS, NEXT_REGISTRY, REGISTRY, STORAGE } from './cast.ts';
import { readCredentials } from './credentials.ts';
import type { Stage } from './stage.ts';
import { STORAGE_EXAMPLE } from './storage-repository.ts';

/** Where the second half of the story plays: a cluster, and the registries that serve packages in it. */
export interface StorageStage {
  readonly cluster: KubernetesServer;
  readonly served: Readonly<Record<string, PackageRegistryServer>>;
  /** The environment of an action on the storage repository. */
  readonly env: Readonly<Record<string, string>>;
  /** The example's configuration with the addresses of today, a file on disk. */
  readonly config: string;
  /** Whether a kubectl was on the PATH, or a stand-in was put there. */
  readonly kubectl: 'real' | 'stand-in';
  close(): Promise<void>;
}

export const NAMESPACE = 'package-registry';

/** Starts the cluster and what serves packages, and pushes the base images. */
export async function setStorageStage(state: string, stage: Stage): Promise<StorageStage> {
  const { target, environment, cluster } = stage.sandbox;
  const credentials = readCredentials(environment['DOCKER_CONFIG'] ?? '');
  const busybox = findBusybox();
  for (const version of [REGISTRY, NEXT_REGISTRY]) {
    const image = makeRegistryBaseImage({ version, ...(busybox !== undefined && { busybox }) });
    await pushImage(target.url, 'package-registry/package-registry', version, image, credentials);
  }
  const served: Record<string, PackageRegistryServer> = {};
  const close = async (): Promise<void> => {
    await Promise.all(Object.values(served).map((server) => server.close()));
  };
  try {
    for (const distribution of DISTRIBUTIONS) {
      served[distribution] = await startPackageRegistry({
        registry: target.url,
        repository: 'package-registry/distribution',
        credentials,
      });
    }
    const real = findRealKubectl();
    const bin = join(state, 'bin');
    if (real === undefined) await installKubectlStandIn(bin);
    const config = join(state, 'storage.yaml');
    await writeFile(config, configure(stage, served));
    return {
      cluster,
      served,
      env: {
        ...stage.env,
        GITHUB_REPOSITORY: STORAGE,
        RUNNER_TEMP: join(state, 'temp'),
        PATH: real === undefined ? `${bin}:${process.env['PATH']}` : (process.env['PATH'] ?? ''),
      },
      config,
      kubectl: real === undefined ? 'stand-in' : 'real',
      close,
    };
  } catch (error) {
    await close();
    throw error;
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

function configure(stage: Stage, served: Readonly<Record<string, PackageRegistryServer>>): string {
  const { oss, registries } = stage.sandbox.configuration;
  const example = load(readFileSync(join(STORAGE_EXAMPLE, '.github/slipway.yaml'), 'utf8')) as {
    storage: { distributions: Record<string, object> };
  };
  const distributions = Object.fromEntries(
    Object.entries(example.storage.distributions).map(([name, settings]) => [
      name,
      { ...settings, cache: '10s', url: served[name]?.url },
    ]),
  );
  return dump({
    oss,
    registries,
    plugins: { prefix: 'acme-plugins-' },
    storage: { ...example.storage, distributions },
  });
}
