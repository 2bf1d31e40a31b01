import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where the sandbox's servers are, and what opens them. */
export interface SandboxAddresses {
  readonly registries: {
    readonly source: RegistryAddress;
    readonly target: RegistryAddress;
    readonly credential: { readonly username: string; readonly password: string };
  };
  readonly oss: {
    readonly endpoint: string;
    readonly region: string;
    /** Where packages go. */
    readonly bucket: string;
    readonly accessKeyId: string;
    readonly accessKeySecret: string;
  };
  readonly github: {
    readonly apiUrl: string;
    readonly graphqlUrl: string;
    readonly serverUrl: string;
    readonly token: string;
    readonly repositories: readonly string[];
  };
  /** The content of a kubeconfig. */
  readonly kubeconfig: string;
}

export interface RegistryAddress {
  readonly port: number;
  readonly url: string;
  /** What the registry is called in plugins' files, when it has a name there. */
  readonly name: string | undefined;
}

/** What makes the actions use the sandbox. */
export interface ClientFiles {
  /** The variables to export. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the file that `SLIPWAY_CONFIG` names holds, for those who make a configuration of their own. */
  readonly configuration: SandboxConfiguration;
}

/** A configuration as `.github/slipway.yaml` has it. */
export interface SandboxConfiguration {
  readonly plugins: { readonly source: string; readonly target: string; readonly upload: string };
  readonly oss: { readonly region: string; readonly endpoint: string; readonly secure: false };
  readonly registries: Readonly<Record<string, { readonly endpoint: string; readonly 'plain-http': true }>>;
  readonly storage: {
    readonly image: string;
    readonly rollout: { readonly namespace: string; readonly deployment: string };
  };
}

/** The namespaces that the exported addresses have; the registries take any. */
const NAMESPACES = { source: 'acme', target: 'release' } as const;

/** Writes docker's configuration and Slipway's into `directory`, readable by their owner alone. */
export async function writeClientFiles(directory: string, addresses: SandboxAddresses): Promise<ClientFiles> {
  const { registries, oss, github } = addresses;
  const configuration = makeConfiguration(addresses);
  const docker = join(directory, 'docker');
  const config = join(directory, 'slipway.yaml');
  const kubeconfig = join(directory, 'kubeconfig');
  await replaceFile(kubeconfig, addresses.kubeconfig);
  await replaceFile(join(docker, 'config.json'), JSON.stringify(makeDockerConfig(addresses), undefined, 2));
  // JSON is YAML, too.
  await replaceFile(config, JSON.stringify(configuration, undefined, 2));
  const [repository, ...others] = github.repositories;
  const environment = {
    GITHUB_API_URL: github.apiUrl,
    GITHUB_GRAPHQL_URL: github.graphqlUrl,
    GITHUB_SERVER_URL: github.serverUrl,
    GITHUB_TOKEN: github.token,
    ...(repository !== undefined && others.length === 0 && { GITHUB_REPOSITORY: repository }),
    SLIPWAY_SOURCE: `${loopbackName(registries.source)}/${NAMESPACES.source}`,
    SLIPWAY_TARGET: `${loopbackName(registries.target)}/${NAMESPACES.target}`,
    SLIPWAY_OSS_ENDPOINT: oss.endpoint,
    SLIPWAY_OSS_REGION: oss.region,
    OSS_ACCESS_KEY_ID: oss.accessKeyId,
    OSS_ACCESS_KEY_SECRET: oss.accessKeySecret,
    DOCKER_CONFIG: docker,
    KUBECONFIG: kubeconfig,
    SLIPWAY_CONFIG: config,
  };
  return { environment, configuration };
}

/** Replaces a file in one step, so that whoever waits for it never reads half of it. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.new`;
  await writeFile(temporary, `${content}\n`, { mode: 0o600 });
  await rename(temporary, path);
}

function makeConfiguration({ registries: { source, target }, oss }: SandboxAddresses): SandboxConfiguration {
  const served = [source, target].flatMap((registry) =>
    namesOf(registry).map((name) => [name, { endpoint: registry.url, 'plain-http': true }] as const),
  );
  return {
    plugins: {
      source: `${source.name ?? loopbackName(source)}/${NAMESPACES.source}`,
      target: `${target.name ?? loopbackName(target)}/${NAMESPACES.target}`,
      upload: `oss://${oss.bucket}/platform/plugins/{prefix}{plugin}/{file}`,
    },
    oss: { region: oss.region, endpoint: oss.endpoint, secure: false },
    registries: Object.fromEntries(served),
    storage: {
      image: `${target.name ?? loopbackName(target)}/package-registry/distribution`,
      rollout: { namespace: 'package-registry', deployment: 'package-registry-{distribution}-vanilla' },
    },
  };
}

function makeDockerConfig({ registries: { source, target, credential } }: SandboxAddresses): unknown {
  const auth = Buffer.from(`${credential.username}:${credential.password}`).toString('base64');
  return { auths: Object.fromEntries([source, target].flatMap(namesOf).map((name) => [name, { auth }])) };
}

function namesOf(registry: RegistryAddress): string[] {
  return registry.name === undefined ? [loopbackName(registry)] : [loopbackName(registry), registry.name];
}

function loopbackName({ port }: RegistryAddress): string {
  return `127.0.0.1:${port}`;
}
