import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActionsService, WorkflowOptions } from '@slipway/sandbox/actions-service/options';
import type { AppPermissions } from '@slipway/sandbox/github/apps';
import { commitFiles } from '@slipway/sandbox/github/seed';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import type { PackageRegistryServer } from '@slipway/sandbox/package-registry/server';
import { type Sandbox, startSandbox } from '@slipway/sandbox/sandbox';
import { dump, load } from 'js-yaml';
import { APP, DISTRIBUTIONS, ENGINEER, MAINTAINER, OWNER, PUSHED, REPOSITORY, STORAGE, STRANGER } from './cast.ts';
import { deploy, type Kubectl, prepareKubectl, pushBaseImages, servePackages } from './cluster-stage.ts';
import { readCredentials } from './credentials.ts';
import type { Progress } from './progress.ts';
import { fillReleaseRepository, RELEASE_EXAMPLE } from './release-repository.ts';
import { fillStorageRepository, STORAGE_EXAMPLE } from './storage-repository.ts';

/** Where the story plays: the servers, two repositories whose workflows run, and a cluster. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly workflows: ActionsService;
  readonly kubectl: Kubectl['kind'];
  close(): Promise<void>;
}

/**
 * Starts everything on `state` and, the first time, fills it: repositories, images. `tree` holds the actions; `onLine` is
 * told of every line that a job prints.
 */
export async function setStage(
  state: string,
  tree: string,
  progress: Progress,
  onLine: (line: string, job: string) => void = () => undefined,
): Promise<Stage> {
  const isNew = !existsSync(join(state, 'compass-release.git'));
  const release = await fillReleaseRepository(state);
  const storage = await fillStorageRepository(state);
  const privateKey = readAppKey(state);
  const kubectl = await prepareKubectl(state);
  let sandbox: Sandbox | undefined;
  let served: Readonly<Record<string, PackageRegistryServer>> = {};
  const close = async (): Promise<void> => {
    await sandbox?.close();
    await Promise.all(Object.values(served).map((server) => server.close()));
  };
  try {
    sandbox = await startSandbox({
      state,
      names: { source: 'cargo.example.com', target: 'harbor.example.com' },
      buckets: ['acme-release'],
      repositories: {
        [REPOSITORY]: {
          path: release,
          collaborators: {
            [OWNER.login]: 'write',
            'maria-k': 'write',
            [ENGINEER.login]: 'write',
            [MAINTAINER.login]: 'admin',
          },
        },
        [STORAGE]: { path: storage, collaborators: { [MAINTAINER.login]: 'admin' } },
      },
      tokens: [MAINTAINER, ENGINEER, OWNER, STRANGER],
      teams: { 'acme/platform-release': { [MAINTAINER.login]: 'member' } },
      // Deployed when there are images; and the cluster's clock is fast, nobody waits for a container here.
      deployed: [],
      scale: 0.05,
      workflows: (client) => ({
        ...describeWorkflows(client.environment, privateKey),
        actions: tree,
        env: { PATH: kubectl.path },
        machines: 4,
        onJob: (run, job) => {
          const [, built] = /build (\S+)$/.exec(job.name) ?? [];
          if (sandbox !== undefined && built !== undefined && job.conclusion === 'success')
            deploy(sandbox.cluster, built);
          progress.tell(run, job);
        },
        onLine: (line, run, job) => {
          progress.hear(line, run, job);
          onLine(line, job);
        },
      }),
    });
    const { github, workflows } = sandbox;
    if (workflows === undefined) throw new Error('no workflows run');
    const permissions: AppPermissions = {
      contents: 'write',
      pull_requests: 'write',
      issues: 'write',
      checks: 'write',
      members: 'read',
    };
    await github.addApp({ ...APP, privateKey, permissions, repositories: [REPOSITORY, STORAGE] });
    served = await servePackages(sandbox);
    if (isNew) {
      await pushSourceImages(sandbox);
      await pushBaseImages(sandbox);
    }
    await configure(release, RELEASE_EXAMPLE, sandbox, {});
    await configure(storage, STORAGE_EXAMPLE, sandbox, served);
    github.setProtection(REPOSITORY, 'main', {
      checks: [{ context: 'slipway / release', appId: APP.id }],
      approvals: 1,
      dismissStale: true,
    });
    for (const distribution of DISTRIBUTIONS) {
      const checks = [{ context: 'slipway / gate', appId: APP.id }];
      // Where versions come in by a commit, whoever brings them must be let past the check.
      const bypass = distribution === 'snapshot' ? [`${APP.slug}[bot]`, MAINTAINER.login] : [];
      github.setProtection(STORAGE, distribution, { checks, bypass });
    }
    return { sandbox, workflows, kubectl: kubectl.kind, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The secrets and variables of the two repositories, as the examples' workflows name them. */
function describeWorkflows(
  environment: Readonly<Record<string, string>>,
  privateKey: string,
): Pick<WorkflowOptions, 'repositories'> {
  const { username, password } = readCredentials(environment['DOCKER_CONFIG'] ?? '');
  const secrets = {
    SOURCE_PASSWORD: password,
    TARGET_PASSWORD: password,
    SLIPWAY_APP_PRIVATE_KEY: privateKey,
  };
  const oss = {
    OSS_ACCESS_KEY_ID: environment['OSS_ACCESS_KEY_ID'] ?? '',
    OSS_ACCESS_KEY_SECRET: environment['OSS_ACCESS_KEY_SECRET'] ?? '',
  };
  const vars = { SLIPWAY_APP_ID: String(APP.id), SOURCE_USERNAME: username, TARGET_USERNAME: username };
  // In base64: GitHub masks a secret line by line, and a line of one brace would hide every brace.
  const kubeconfig = readFileSync(environment['KUBECONFIG'] ?? '').toString('base64');
  return {
    repositories: {
      [REPOSITORY]: { secrets: { ...secrets, ...oss }, vars },
      // The RUN checks of Dockerfiles need root, and buildah or podman.
      [STORAGE]: { secrets: { ...secrets, KUBECONFIG: kubeconfig }, vars: { ...vars, SLIPWAY_CHECKS: 'off' } },
    },
  };
}

/** The App's key is kept with everything else: its user stays the same. */
function readAppKey(state: string): string {
  const path = join(state, 'app.pem');
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeFileSync(path, pem, { mode: 0o600 });
  return pem;
}

/** Names stay as in the example; what is added says where they are served today. */
async function configure(
  bare: string,
  example: string,
  { configuration: { oss, registries } }: Sandbox,
  served: Readonly<Record<string, PackageRegistryServer>>,
): Promise<void> {
  const path = '.github/slipway.yaml';
  const { storage, ...others } = load(readFileSync(join(example, path), 'utf8')) as {
    storage: { distributions?: Record<string, object> };
  };
  const distributions = Object.entries(storage.distributions ?? {}).map(([name, settings]) => [
    name,
    { ...settings, cache: '10s', url: served[name]?.url },
  ]);
  const content = dump({
    ...others,
    oss,
    registries,
    storage: { ...storage, ...(distributions.length > 0 && { distributions: Object.fromEntries(distributions) }) },
  });
  await commitFiles(bare, 'main', { [path]: content }, { message: 'Say where the servers are today' });
}

/** Pushes what the engineers built: one image, its agent, and one for two platforms. */
async function pushSourceImages({ source, environment }: Sandbox): Promise<void> {
  const [main, agent, gateway] = PUSHED;
  const base = { size: 6_000_000, seed: 'shared base layer' };
  const make = (seed: string, architecture: string): Promise<SampleImage> =>
    makeImage({
      seed,
      architecture,
      os: 'linux',
      mediaTypes: 'oci',
      layers: [base, { size: 3_000_000 }, { size: 40_000 }],
    });
  const images = [
    [main, await make('log-collector', 'amd64')],
    [agent, await make('log-collector-agent', 'amd64')],
    [
      gateway,
      makeIndex([await make('gateway amd64', 'amd64'), await make('gateway arm64', 'arm64')], { attestations: true }),
    ],
  ] as const;
  for (const [reference, image] of images) {
    const [, repository = '', tag = ''] = /^[^/]+\/(.+):([^:]+)$/.exec(reference) ?? [];
    await pushImage(source.url, repository, tag, image, readCredentials(environment['DOCKER_CONFIG'] ?? ''));
  }
}
