import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ActionsService, WorkflowOptions } from './actions-service/options.ts';
import { startActionsService } from './actions-service/service.ts';
import { type GitHubOptions, type GitHubServer, startGitHub } from './github/server.ts';
import { imagesOfRegistries } from './kubernetes/registry-images.ts';
import { type KubernetesServer, startKubernetes } from './kubernetes/server.ts';
import { type OssServer, startOss } from './oss/server.ts';
import { type RegistryServer, startRegistry } from './registry/server.ts';
import { type ClientFiles, writeClientFiles } from './sandbox-client.ts';

export interface SandboxOptions {
  /** Directory that keeps everything for the next start; default a temporary one that is removed by `close`. */
  readonly state?: string;
  /** Names that the registries have in plugins' files, such as `harbor.example.com`, besides `127.0.0.1:<port>`. */
  readonly names?: { readonly source?: string; readonly target?: string };
  /** The buckets of the object store; the first one is where packages go. */
  readonly buckets?: readonly string[];
  /** `owner/name` to the bare repository that is served in place, see {@link GitHubOptions}. */
  readonly repositories?: GitHubOptions['repositories'];
  /** Who knows the sandbox's GitHub; GITHUB_TOKEN is the first token. */
  readonly tokens?: GitHubOptions['tokens'];
  readonly teams?: GitHubOptions['teams'];
  /** Distributions that have a deployment in the cluster from the start; default the usual three. */
  readonly deployed?: readonly string[];
  /** Real seconds for one second of the cluster (default 1). */
  readonly scale?: number;
  /**
   * Runs the workflows of these repositories when something happens in them. Says what by a function where secrets or
   * the machine's environment are to hold what the sandbox exports.
   */
  readonly workflows?: WorkflowOptions | ((client: ClientFiles) => WorkflowOptions);
  /** Ports; the system chooses those that are not given. */
  readonly ports?: { readonly [Server in 'source' | 'target' | 'oss' | 'github' | 'cluster']?: number };
}

/** Every server of the sandbox, and what clients must know of them. */
export interface Sandbox extends ClientFiles {
  /** Asks for a user and a password. */
  readonly source: RegistryServer;
  /** Asks for a token, which a user and a password buy. */
  readonly target: RegistryServer;
  readonly oss: OssServer;
  readonly github: GitHubServer;
  /** A Kubernetes whose nodes pull from the two registries. */
  readonly cluster: KubernetesServer;
  /** What runs workflows, where {@link SandboxOptions.workflows} asks for it. */
  readonly workflows: ActionsService | undefined;
  /** Stops all servers, and removes what was kept when that was temporary. */
  close(): Promise<void>;
}

/** The token that the sandbox's GitHub knows when it is told of no other. */
const GITHUB_TOKEN = 'sandbox-token';
const REGISTRY_USER = { username: 'robot', password: 'password-of-the-sandbox-robot' };
const OSS_REGION = 'oss-cn-hangzhou';
const OSS_KEY = { accessKeyId: 'LTAIsandboxAccessKeyId', accessKeySecret: 'sandboxAccessKeySecretOfTheRobot' };

/** The buckets that the examples in this repository name. */
const BUCKETS = ['acme-release', 'infra-release'];

/** The distributions that Slipway's configuration knows by itself and that are not frozen. */
const DISTRIBUTIONS = ['production', 'staging', 'snapshot'];

/**
 * Starts a source and a target registry, an object store, a GitHub and a Kubernetes on loopback. Resolves when all of them answer;
 * when one cannot start, those that could are stopped again.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const undo: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  const opened = async <T extends { close(): Promise<void> }>(server: Promise<T>): Promise<T> => {
    const started = await server;
    undo.push(() => started.close());
    return started;
  };
  try {
    const state = await openState(options.state, undo);
    const { ports = {}, names = {}, buckets = BUCKETS, repositories = {}, tokens, teams = {} } = options;
    const registry = (side: 'source' | 'target', auth: 'basic' | 'token'): Promise<RegistryServer> =>
      opened(
        startRegistry({ directory: join(state, side), auth, credentials: [REGISTRY_USER], port: ports[side] ?? 0 }),
      );
    const source = await registry('source', 'basic');
    const target = await registry('target', 'token');
    const oss = await opened(
      startOss({
        directory: join(state, 'oss'),
        region: OSS_REGION,
        buckets,
        credentials: [OSS_KEY],
        port: ports.oss ?? 0,
      }),
    );
    const github = await opened(
      startGitHub({
        directory: join(state, 'github'),
        repositories,
        teams,
        ...(tokens !== undefined && { tokens }),
        port: ports.github ?? 0,
      }),
    );
    const cluster = await opened(
      startKubernetes({
        directory: join(state, 'kubernetes'),
        images: imagesOfRegistries({ registries: nodeRegistries({ source, target }, names) }),
        port: ports.cluster ?? 0,
        ...(options.scale !== undefined && { scale: options.scale }),
      }),
    );
    const client = await writeClientFiles(state, {
      registries: {
        source: { port: source.port, url: source.url, name: names.source },
        target: { port: target.port, url: target.url, name: names.target },
        credential: REGISTRY_USER,
      },
      oss: { endpoint: oss.url, region: OSS_REGION, bucket: buckets[0] ?? '', ...OSS_KEY },
      github: {
        apiUrl: github.apiUrl,
        graphqlUrl: github.graphqlUrl,
        serverUrl: github.serverUrl,
        token: tokens === undefined ? GITHUB_TOKEN : (tokens[0]?.token ?? ''),
        repositories: Object.keys(repositories),
      },
      kubeconfig: cluster.kubeconfig,
    });
    for (const distribution of options.deployed ?? DISTRIBUTIONS) {
      const { namespace, deployment } = client.configuration.storage.rollout;
      cluster.addDeployment({
        namespace,
        name: deployment.replace('{distribution}', distribution),
        image: `${client.configuration.storage.image}:${distribution}`,
        imagePullPolicy: 'Always',
      });
    }
    const workflows = typeof options.workflows === 'function' ? options.workflows(client) : options.workflows;
    // Opened last, so that it is closed first: jobs that are cancelled still talk to the servers.
    const service = workflows === undefined ? undefined : startActionsService({ ...workflows, github });
    if (service !== undefined) undo.push(() => service.close());
    return { source, target, oss, github, cluster, workflows: service, ...client, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The registries under every name they have, as a node of the cluster finds them. */
function nodeRegistries(
  servers: { readonly source: RegistryServer; readonly target: RegistryServer },
  names: { readonly source?: string; readonly target?: string },
): Parameters<typeof imagesOfRegistries>[0]['registries'] {
  const entries = (['source', 'target'] as const).flatMap((side) => {
    const { url, port } = servers[side];
    const node = { url, credentials: REGISTRY_USER };
    const name = names[side];
    return [[`127.0.0.1:${port}`, node] as const, ...(name === undefined ? [] : [[name, node] as const])];
  });
  return Object.fromEntries(entries);
}

async function openState(given: string | undefined, undo: (() => Promise<void>)[]): Promise<string> {
  if (given !== undefined) {
    await mkdir(given, { recursive: true });
    return resolve(given);
  }
  const directory = await mkdtemp(join(tmpdir(), 'slipway-sandbox-'));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
