import { mkdir } from 'node:fs/promises';
import { type ListeningServer, type ListenOptions, listen, sendJson } from '../http-server.ts';
import { answer } from './api.ts';
import { ApiError } from './api-error.ts';
import { type Behaviour, RUN } from './behaviour.ts';
import { Cluster, newMetadata } from './cluster.ts';
import { DeploymentController } from './deployment-controller.ts';
import { makeKubeconfig, writeKubeconfig } from './kubeconfig.ts';
import { type ImageResolver, Kubelet } from './kubelet.ts';
import type { Deployment, Pod } from './objects.ts';
import { Schedule } from './schedule.ts';

export interface KubernetesOptions extends ListenOptions {
  /** Where everything is kept; a server started again on it goes on from there. */
  readonly directory: string;
  /** What nodes get for an image reference; see `imagesOfRegistries`. */
  readonly images: ImageResolver;
  /** The token that clients must send over TLS (default `sandbox-cluster-token`); kubectl sends none over plain http. */
  readonly token?: string;
  /** PEM of the authority that signed `tls.cert`, for the kubeconfig. */
  readonly ca?: string;
  /** Real seconds for one second of the cluster (default 1). */
  readonly scale?: number;
}

export interface DeploymentOptions {
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  /** Default 2. */
  readonly replicas?: number;
  /** Default as the API does it: `Always` for `latest`, else `IfNotPresent`. */
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent';
  /** False leaves out the readiness probe; default true. */
  readonly probe?: boolean;
  /** Seconds of the cluster, default 600. */
  readonly progressDeadlineSeconds?: number;
}

export interface KubernetesServer extends ListeningServer {
  /** The content of a kubeconfig that opens this cluster. */
  readonly kubeconfig: string;
  writeKubeconfig(path: string): Promise<void>;
  /** Adds a deployment; one that is there already stays as it is. */
  addDeployment(options: DeploymentOptions): void;
  /** Says what the pods of a deployment do from now on. */
  behave(namespace: string, deployment: string, behaviour: Behaviour): void;
  deployment(namespace: string, name: string): Deployment | undefined;
  /** Pods of the namespace, oldest first, terminating ones too. */
  pods(namespace: string): Pod[];
}

/**
 * Starts the API of a cluster on loopback, with a deployment controller and one node whose pods do what they are told.
 * No container runs.
 */
export async function startKubernetes(options: KubernetesOptions): Promise<KubernetesServer> {
  const { token = 'sandbox-cluster-token', directory, ca } = options;
  await mkdir(directory, { recursive: true });
  const cluster = new Cluster(directory);
  const schedule = new Schedule(options.scale ?? 1);
  const kubelet = new Kubelet(cluster, schedule, options.images);
  const controller = new DeploymentController(cluster, schedule, kubelet);
  const server = await listen(options, (request, response, url) => {
    const known = options.tls === undefined || request.headers.authorization === `Bearer ${token}`;
    if (known) return answer(cluster, request, response, url);
    return sendJson(response, 401, new ApiError(401, 'Unauthorized', 'Unauthorized').toStatus());
  });
  const address = { url: server.url, token, ca };
  return {
    ...server,
    kubeconfig: makeKubeconfig(address),
    writeKubeconfig: (path) => writeKubeconfig(path, address),
    addDeployment: (deployment) => {
      const { namespace, name } = deployment;
      if (cluster.find('Deployment', namespace, name) === undefined) cluster.put(makeDeployment(deployment));
    },
    behave: (namespace, name, behaviour) => {
      const { behaviours } = cluster.records;
      if (behaviour.kind === RUN.kind) delete behaviours[`${namespace}/${name}`];
      else behaviours[`${namespace}/${name}`] = behaviour;
      cluster.save();
      kubelet.wake();
      controller.wake(namespace, name);
    },
    deployment: (namespace, name) => cluster.find('Deployment', namespace, name),
    pods: (namespace) => cluster.list('Pod', namespace),
    close: async () => {
      schedule.close();
      controller.close();
      await server.close();
    },
  };
}

function makeDeployment(options: DeploymentOptions): Deployment {
  const { namespace, name, image, replicas = 2, probe = true } = options;
  const labels = { app: name };
  const fallback = /:latest$/.test(image) || !/[:@][^/]*$/.test(image) ? 'Always' : 'IfNotPresent';
  const container = {
    name: 'package-registry',
    image,
    imagePullPolicy: options.imagePullPolicy ?? fallback,
    ...(probe && { readinessProbe: { httpGet: { path: '/health', port: 8080, scheme: 'HTTP' } } }),
  } as const;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: newMetadata(namespace, name, { generation: 1, labels }),
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: options.progressDeadlineSeconds ?? 600,
    },
    status: {},
  };
}
