import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage } from '../images/push-image.ts';
import { makeImage, type SampleImage } from '../images/sample-image.ts';
import type { SampleIndex } from '../images/sample-index.ts';
import { type RegistryServer, startRegistry } from '../registry/server.ts';
import type { Behaviour } from './behaviour.ts';
import type { Pod } from './objects.ts';
import { imagesOfRegistries } from './registry-images.ts';
import { type DeploymentOptions, type KubernetesServer, startKubernetes } from './server.ts';

const REGISTRY = 'docker.example.com';

/** A registry, and a cluster that pulls from it and runs one deployment of two pods; for the tests of one file. */
export class ClusterFixture {
  readonly namespace = 'package-registry';
  readonly deployment = 'package-registry-staging-vanilla';
  readonly repository = 'package-registry/distribution';
  /** The repository as the deployment names it. */
  readonly image = `${REGISTRY}/package-registry/distribution`;
  readonly directory: string;
  readonly registry: RegistryServer;
  readonly kubernetes: KubernetesServer;
  readonly #pulls: Pulls;

  private constructor(directory: string, registry: RegistryServer, kubernetes: KubernetesServer, pulls: Pulls) {
    this.directory = directory;
    this.registry = registry;
    this.kubernetes = kubernetes;
    this.#pulls = pulls;
  }

  /** Starts both; the cluster's time runs `factor` times as fast as ours. */
  static async start(factor: number): Promise<ClusterFixture> {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-cluster-'));
    const registry = await startRegistry({ directory: join(directory, 'registry') });
    const pulls: Pulls = { before: undefined, architecture: undefined };
    const registries = { [REGISTRY]: { url: registry.url } };
    const kubernetes = await startKubernetes({
      directory: join(directory, 'kubernetes'),
      scale: 1 / factor,
      images: async (image) => {
        const { before, architecture } = pulls;
        pulls.before = undefined;
        await before?.();
        const platform = architecture === undefined ? {} : { platform: { os: 'linux', architecture } };
        return imagesOfRegistries({ registries, ...platform })(image);
      },
    });
    return new ClusterFixture(directory, registry, kubernetes, pulls);
  }

  async cleanUp(): Promise<void> {
    await Promise.all([this.registry.close(), this.kubernetes.close()]);
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Does something once, when a node is about to pull. */
  beforePull(work: () => Promise<unknown>): void {
    this.#pulls.before = work;
  }

  /** Makes nodes report the manifest of their platform instead of the index. */
  reportPlatform(architecture: string): void {
    this.#pulls.architecture = architecture;
  }

  makeSample(seed: string, architecture = 'amd64'): Promise<SampleImage> {
    return makeImage({ seed, architecture, os: 'linux', mediaTypes: 'oci', layers: [{ size: 1000 }] });
  }

  /** Moves a tag to an image, a new one when only a seed is given, and returns its digest. */
  async publish(image: string | SampleImage | SampleIndex, tag = 'staging'): Promise<string> {
    const pushed = typeof image === 'string' ? await this.makeSample(image) : image;
    await pushImage(this.registry.url, this.repository, tag, pushed);
    return pushed.manifest.digest;
  }

  /** Adds the deployment and waits until it is up. */
  async deploy(options: Partial<DeploymentOptions> = {}): Promise<void> {
    const { namespace, deployment: name } = this;
    const image = `${this.image}:staging`;
    this.kubernetes.addDeployment({ namespace, name, image, imagePullPolicy: 'Always', ...options });
    while (this.kubernetes.deployment(namespace, name)?.status.availableReplicas !== 2) await sleep(10);
  }

  behave(behaviour: Behaviour): void {
    this.kubernetes.behave(this.namespace, this.deployment, behaviour);
  }

  /** Returns the pods that are not going away. */
  pods(): Pod[] {
    return this.kubernetes.pods(this.namespace).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Returns what the pods run, undefined for one that runs nothing yet. */
  digests(): (string | undefined)[] {
    return this.pods().map(({ status }) => status.containerStatuses?.[0]?.imageID.split('@')[1]);
  }

  /** Returns how often a client has changed a deployment. */
  changes(): number {
    return this.kubernetes.requests.filter(({ method }) => method === 'PATCH').length;
  }
}

interface Pulls {
  before: (() => Promise<unknown>) | undefined;
  architecture: string | undefined;
}
