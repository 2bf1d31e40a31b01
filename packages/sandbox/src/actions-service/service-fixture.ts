import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, contractClient } from '../github/contract-client.ts';
import { commitFiles } from '../github/seed.ts';
import { type GitHubServer, startGitHub } from '../github/server.ts';
import type { ActionsService, ServiceRun, WorkflowOptions } from './options.ts';
import { startActionsService } from './service.ts';

export const here = { owner: 'octo', repo: 'plugins' };
export const fullName = 'octo/plugins';

export interface ServicePlace extends AsyncDisposable {
  readonly directory: string;
  readonly github: GitHubServer;
  readonly service: ActionsService;
  /** What every step printed, as `workflow: line`. */
  readonly lines: string[];
  /** sandbox-admin. */
  readonly client: Client;
  clientOf(token: string): Client;
  /** The runs once everything has ended, newest last. */
  settled(): Promise<readonly ServiceRun[]>;
}

/** Options of a place; `files` are what the default branch holds from the start. */
export interface PlaceOptions extends Partial<WorkflowOptions> {
  readonly files: Readonly<Record<string, string>>;
}

/**
 * A GitHub with the repositories `octo/plugins` and its fork `ada/plugins`, whose workflows run; ada and bob are users.
 * Everything is gone when the scope ends.
 */
export async function openService({ files, ...options }: PlaceOptions): Promise<ServicePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-actions-'));
  const actions = join(directory, 'actions');
  await mkdir(actions);
  const github = await startGitHub({
    directory: join(directory, 'github'),
    repositories: { [fullName]: null, 'ada/plugins': { forkOf: fullName } },
    tokens: [
      { token: 'sandbox-token', login: 'sandbox-admin' },
      { token: 'ada-token', login: 'ada' },
      { token: 'bob-token', login: 'bob' },
    ],
  });
  const base = await commitFiles(github.repositoryPath(fullName), 'main', files, { message: 'Base' });
  const fork = github.site.find('ada/plugins');
  const own = github.site.find(fullName);
  if (fork === undefined || own === undefined) throw new Error('a repository is missing');
  await fork.git.fetchCommit(own.git, base);
  await fork.git.setRef('refs/heads/main', base);
  const lines: string[] = [];
  const service = startActionsService({
    github,
    actions,
    repositories: { [fullName]: {} },
    onLine: (line, run) => lines.push(`${run.name}: ${line}`),
    ...options,
  });
  return {
    directory,
    github,
    service,
    lines,
    client: contractClient(github),
    clientOf: (token) => contractClient(github, token),
    settled: async () => {
      await service.idle();
      return service.runs;
    },
    [Symbol.asyncDispose]: async () => {
      await service.close();
      await github.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A workflow of one job with one step; `on` is a flow mapping, `run` a script of one line. */
export function workflow(name: string, on: string, run = 'echo ran', job = ''): string {
  return [
    `name: ${name}`,
    `on: ${on}`,
    'jobs:',
    `  ${name}-job:`,
    '    runs-on: ubuntu-latest',
    ...job.split('\n').map((line) => `    ${line}`),
    '    steps:',
    `      - run: ${JSON.stringify(run)}`,
    '',
  ].join('\n');
}

/** Changes a file on a branch as a user would on GitHub's pages. */
export async function putFile(
  client: Client,
  path: string,
  content: string,
  { branch = 'main', owner = 'octo', message = `Change ${path}` } = {},
): Promise<string> {
  const place = { owner, repo: 'plugins', path };
  const known = await client.rest.repos.getContent({ ...place, ref: branch }).catch(() => undefined);
  const sha = known !== undefined && 'sha' in known.data ? known.data.sha : undefined;
  const { data } = await client.rest.repos.createOrUpdateFileContents({
    ...place,
    branch,
    message,
    content: Buffer.from(content).toString('base64'),
    ...(sha !== undefined && { sha }),
  });
  return data.commit.sha ?? '';
}

/** Starts a branch where `main` is. */
export async function addBranch(client: Client, name: string, owner = 'octo'): Promise<void> {
  const place = { owner, repo: 'plugins' };
  const { data } = await client.rest.git.getRef({ ...place, ref: 'heads/main' });
  await client.rest.git.createRef({ ...place, ref: `refs/heads/${name}`, sha: data.object.sha });
}
