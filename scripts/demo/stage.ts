import { existsSync, globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commitFiles, createBareRepository } from '@slipway/sandbox/github/seed';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage, type SampleImage } from '@slipway/sandbox/images/sample-image';
import { makeIndex } from '@slipway/sandbox/images/sample-index';
import { type Sandbox, startSandbox } from '@slipway/sandbox/sandbox';
import { dump, load } from 'js-yaml';
import { BRANCH, ENGINEER, OWNER, PUSHED, RELEASE_TEAM, RELEASES, REPOSITORY, STORAGE } from './cast.ts';
import { readCredentials } from './credentials.ts';
import { fillStorageRepository } from './storage-repository.ts';

/** Where the story plays: the servers, and what an action must know to find them. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly apiUrl: string;
  readonly serverUrl: string;
  /** The environment of an action that is run by hand. */
  readonly env: Readonly<Record<string, string>>;
  /** The example's configuration with the addresses of the sandbox's servers, a file on disk. */
  readonly config: string;
  /** The workflow file that checks pull requests. */
  readonly workflow: string;
}

const EXAMPLE = join(import.meta.dirname, '../../examples/release-repository');

/** Starts the servers on `state` and, the first time, fills them: a repository, a branch that changes two plugins, images. */
export async function setStage(state: string): Promise<Stage> {
  const bare = join(state, 'compass-release.git');
  const isNew = !existsSync(bare);
  if (isNew) await fillRepository(bare);
  const storage = await fillStorageRepository(state);
  const sandbox = await startSandbox({
    state,
    names: { source: 'cargo.example.com', target: 'harbor.example.com' },
    buckets: ['acme-release'],
    repositories: {
      [REPOSITORY]: { path: bare, collaborators: { [OWNER.login]: 'write', [ENGINEER.login]: 'write' } },
      [STORAGE]: { path: storage },
    },
    tokens: [RELEASE_TEAM, ENGINEER, OWNER],
    teams: { 'acme/platform-release': { [RELEASE_TEAM.login]: 'member' } },
    // Deployed when there are images; and the cluster's clock is fast, nobody waits for a container here.
    deployed: [],
    scale: 0.05,
  });
  try {
    if (isNew) await pushSourceImages(sandbox);
    const config = join(state, 'demo.yaml');
    await writeFile(config, addAddresses(readFileSync(join(EXAMPLE, '.github/slipway.yaml'), 'utf8'), sandbox));
    return {
      sandbox,
      apiUrl: sandbox.github.apiUrl,
      serverUrl: sandbox.github.serverUrl,
      env: { ...sandbox.environment, GITHUB_REPOSITORY: REPOSITORY, GITHUB_EVENT_NAME: 'workflow_dispatch' },
      config,
      workflow: join(EXAMPLE, '.github/workflows/pull-request.yml'),
    };
  } catch (error) {
    await sandbox.close();
    throw error;
  }
}

/** Puts the example onto `main`, and the two new versions onto a branch, as an engineer would. */
async function fillRepository(bare: string): Promise<void> {
  await createBareRepository(bare);
  const files = Object.fromEntries(
    globSync('**/*', { cwd: EXAMPLE, withFileTypes: true, exclude: (entry) => entry.name === '.git' })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .concat(globSync('.github/**/*.{yaml,yml,md}', { cwd: EXAMPLE }).map((path) => join(EXAMPLE, path)))
      .map((path) => [path.slice(EXAMPLE.length + 1), readFileSync(path, 'utf8')]),
  );
  const main = await commitFiles(bare, 'main', files, { message: 'Start the release repository' });
  const changed = Object.fromEntries(
    RELEASES.map(({ plugin, from, to }) => {
      const path = `release-plugins/${plugin}.yaml`;
      return [path, (files[path] ?? '').replaceAll(from, to)];
    }),
  );
  const message = `feat: ${RELEASES.map(({ plugin, to }) => `${plugin} ${to}`).join(', ')}`;
  await commitFiles(bare, BRANCH, changed, { message, parent: main });
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

/** Names stay as in the YAML; what is added says where they are served today. */
function addAddresses(example: string, { configuration }: Sandbox): string {
  const { oss, registries } = configuration;
  return dump({ ...(load(example) as Record<string, unknown>), oss, registries });
}
