import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsFrom, type RecordingRuntime, recordRuntime } from '@slipway/core/action/testing';
import type { Package } from '@slipway/core/archive/package';
import { connectGitHub } from '@slipway/core/github/connect';
import type { EventContext } from '@slipway/core/github/event';
import type { Plugin } from '@slipway/core/plugin/plugin';
import { pluginText } from '@slipway/core/plugin/testing';
import { listReleaseRecords, type ReleaseRecord, type StoredRelease } from '@slipway/core/pull-request/release-record';
import { commitFiles, type SeedFile } from '@slipway/sandbox/github/seed';
import { type GitHubServer, startGitHub } from '@slipway/sandbox/github/server';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { type RegistryServer, startRegistry } from '@slipway/sandbox/registry/server';
import { inputs } from './inputs.ts';
import type { Outputs } from './outputs.ts';
import { run } from './run.ts';

export const REPOSITORY = 'acme/releases';
export const SELF = 'github-actions[bot]';
export const BODY = '**Release note**:\n\n/kind release\n/queue need-queue\n/cc @lin-wei @acme/platform-release\n';
export const LIST = 'image(s) pushed to\ncargo.example.com/team/acme-plugins-logs:v0.2.0\n';
export const COMMAND = '/queue working-image-pushed';

/** Ada writes plugins, Lin Wei owns them; Chen may write, Rita may read, and Mallory may nothing. */
const COLLABORATORS = { ada: 'read', 'lin-wei': 'write', chen: 'write', rita: 'read' } as const;

export interface Payload {
  readonly [name: string]: unknown;
}

export interface Result {
  readonly outputs: Outputs;
  readonly runtime: RecordingRuntime;
}

/** A release repository on a GitHub, its source registry, and people who do things there; for tests. */
export class Ground {
  readonly directory: string;
  readonly github: GitHubServer;
  readonly registry: RegistryServer;
  readonly #clock: { ahead: number };
  #base = '';
  #runs = 0;

  private constructor(directory: string, github: GitHubServer, registry: RegistryServer, clock: { ahead: number }) {
    this.#clock = clock;
    this.directory = directory;
    this.github = github;
    this.registry = registry;
  }

  static async start(): Promise<Ground> {
    const directory = await mkdtemp(join(tmpdir(), 'handle-command-'));
    const clock = { ahead: 0 };
    const now = (): Date => new Date(Date.now() + clock.ahead);
    const people = [...Object.keys(COLLABORATORS), 'grace', 'mallory', 'robot[bot]', 'root'];
    const permissions = { contents: 'read', pull_requests: 'write', issues: 'write', checks: 'write' } as const;
    const github = await startGitHub({
      directory: join(directory, 'github'),
      now,
      repositories: { [REPOSITORY]: { collaborators: COLLABORATORS } },
      teams: { 'acme/platform-release': { grace: 'member' } },
      tokens: [
        ...people.map((login) => ({ token: login, login })),
        { token: 'job', login: SELF, repositories: [REPOSITORY], permissions },
      ],
    });
    const registry = await startRegistry({ directory: join(directory, 'registry') });
    const ground = new Ground(directory, github, registry, clock);
    ground.#base = await ground.commit('main', {
      '.github/slipway.yaml': ground.configuration(),
      OWNERS: 'approvers: [lin-wei, ada]\n',
      'README.md': '# Releases\n',
      'release-plugins/logs.yaml': pluginText('logs', { port: 8081 }),
      'release-plugins/gpu.yaml': pluginText('gpu', { port: 8082 }),
    });
    await ground.pushImage('logs', 'v0.2.0');
    return ground;
  }

  async close(): Promise<void> {
    await this.github.close();
    await this.registry.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  configuration(): string {
    return `plugins:
  prefix: acme-plugins-
  source: cargo.example.com/team
  target: harbor.example.com/release
  upload: "oss://infra/plugins/{plugin}/{file}"
  team: acme/platform-release
registries: { cargo.example.com: { endpoint: "${this.registry.url}", plain-http: true } }
`;
  }

  commit(branch: string, files: Record<string, SeedFile>, parent?: string): Promise<string> {
    const bare = this.github.repositoryPath(REPOSITORY);
    return commitFiles(bare, branch, files, { message: 'x', ...(parent !== undefined && { parent }) });
  }

  /** Pushes an image, another one for each `seed`; returns its digest. */
  async pushImage(plugin: string, tag: string, seed = plugin): Promise<string> {
    const layers = [{ size: 2000 }];
    const image = await makeImage({ seed, architecture: 'amd64', os: 'linux', mediaTypes: 'oci', layers });
    await pushImage(this.registry.url, `team/acme-plugins-${plugin}`, tag, image);
    return image.manifest.digest;
  }

  /** Does something as a person; `path` is below the repository. */
  async as(login: string, method: string, path: string, body?: unknown): Promise<Payload> {
    // GitHub's dates have whole seconds: what people do here is each in another one.
    if (method !== 'GET') this.#clock.ahead += 1000;
    const headers = { authorization: `Bearer ${login}` };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${this.github.apiUrl}/repos/${REPOSITORY}/${path}`, { method, headers, ...init });
    if (!response.ok) throw new Error(`${login}: ${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? {} : ((await response.json()) as Payload);
  }

  /** Opens a pull request that releases logs v0.2.0, unless other files are given. */
  async open(
    more: { files?: Record<string, SeedFile>; title?: string; body?: string; head?: string } = {},
  ): Promise<number> {
    const head = more.head ?? 'logs';
    await this.commit(head, more.files ?? RELEASE, this.#base);
    const pull = { title: more.title ?? 'feat(logs): v0.2.0', head, base: 'main', body: more.body ?? BODY };
    return Number((await this.as('ada', 'POST', 'pulls', pull))['number']);
  }

  /** Pushes to the pull request's branch; returns the new head. */
  async push(files: Record<string, SeedFile>, head = 'logs'): Promise<string> {
    const sha = await this.commit(head, files);
    return sha;
  }

  async headOf(number: number): Promise<string> {
    const head = (await this.as('root', 'GET', `pulls/${number}`))['head'] as Payload;
    return String(head['sha']);
  }

  async headOfBranch(branch: string): Promise<string> {
    const found = (await this.as('root', 'GET', `branches/${branch}`))['commit'] as Payload;
    return String(found['sha']);
  }

  async review(login: string, number: number, event = 'APPROVE'): Promise<Payload> {
    return this.as(login, 'POST', `pulls/${number}/reviews`, { event, body: 'as I see it' });
  }

  async comments(number: number): Promise<{ readonly author: string; readonly body: string; readonly id: number }[]> {
    const list = (await this.as('root', 'GET', `issues/${number}/comments?per_page=100`)) as unknown as Payload[];
    return list.map((comment) => ({
      author: String((comment['user'] as Payload)['login']),
      body: String(comment['body']),
      id: Number(comment['id']),
    }));
  }

  /** What we have answered, without the status comment. */
  async answers(number: number): Promise<string[]> {
    const own = (await this.comments(number)).filter(({ author }) => author === SELF);
    return own.filter(({ body }) => !body.startsWith('<!-- slipway: status -->')).map(({ body }) => body);
  }

  async status(number: number): Promise<string> {
    const own = (await this.comments(number)).filter(({ author }) => author === SELF);
    const [status, ...others] = own.filter(({ body }) => body.startsWith('<!-- slipway: status -->'));
    if (others.length > 0) throw new Error('there are several status comments');
    return status?.body ?? '';
  }

  async labels(number: number): Promise<string[]> {
    const list = (await this.as('root', 'GET', `issues/${number}/labels`)) as unknown as Payload[];
    return list.map((label) => String(label['name'])).sort();
  }

  async stored(commit: string): Promise<StoredRelease | undefined> {
    const github = connectGitHub({ token: 'job', apiUrl: this.github.apiUrl });
    const [newest] = await listReleaseRecords(github, REPOSITORY, commit, SELF);
    return newest;
  }

  async record(commit: string): Promise<ReleaseRecord | undefined> {
    return (await this.stored(commit))?.record;
  }

  /** Returns the surroundings of a run, each with an id of its own. */
  makeRuntime(event: Partial<EventContext> = {}): RecordingRuntime {
    this.#runs += 1;
    return this.#makeRuntime(event);
  }

  #makeRuntime(event: Partial<EventContext>): RecordingRuntime {
    const { apiUrl, graphqlUrl } = this.github;
    return recordRuntime(
      { DOCKER_CONFIG: join(this.directory, 'no-docker') },
      {
        repository: REPOSITORY,
        apiUrl,
        graphqlUrl,
        run: { id: this.#runs, attempt: 1, workflow: `${REPOSITORY}/.github/workflows/release.yml@refs/heads/main` },
        ...event,
      },
    );
  }

  async run(texts: Record<string, string>, event: Partial<EventContext> = {}): Promise<Result> {
    // A command is what starts a run, and the steps that follow it are of the same one.
    const isStep = ['bind', 'verify', 'report'].includes(texts['mode'] ?? '');
    const runtime = isStep ? this.#makeRuntime(event) : this.makeRuntime(event);
    const outputs = await run(inputsFrom(inputs, { token: 'job', ...texts }), runtime);
    await runtime.end();
    return { outputs, runtime };
  }

  /** Writes a comment, and has the action handle the event. */
  async comment(login: string, number: number, body: string, texts: Record<string, string> = {}): Promise<Result> {
    return this.handle(number, await this.write(login, number, body), texts);
  }

  write(login: string, number: number, body: string): Promise<Payload> {
    return this.as(login, 'POST', `issues/${number}/comments`, { body });
  }

  /** Has the action handle the event of a comment that was written. */
  handle(number: number, comment: Payload, texts: Record<string, string> = {}): Promise<Result> {
    const payload = { action: 'created', issue: { number, pull_request: {} }, comment };
    return this.run({ mode: 'command', ...texts }, { name: 'issue_comment', payload });
  }

  /** Has the action handle what happened to a pull request. */
  async happen(number: number, action: string, more: Payload = {}, sender = 'ada'): Promise<Result> {
    const pull = await this.as('root', 'GET', `pulls/${number}`);
    const user = sender === 'ada' ? pull['user'] : { id: 0, login: sender, type: 'User' };
    const payload = { action, pull_request: pull, sender: user, ...more };
    return this.run({ mode: 'command' }, { name: 'pull_request_target', payload });
  }

  dispatch(login: string, number: number, texts: Record<string, string> = {}): Promise<Result> {
    const name = 'workflow_dispatch';
    return this.run({ mode: 'command', 'pull-request': String(number), ...texts }, { name, actor: login });
  }

  /** Has a pull request opened, approved and commanded; returns what there is to release. */
  async release(): Promise<{ readonly number: number; readonly commit: string; readonly outputs: Outputs }> {
    const number = await this.open();
    await this.review('lin-wei', number);
    const { outputs } = await this.comment('ada', number, `${LIST}\n${COMMAND}\n`);
    if (outputs.result !== 'release') throw new Error(outputs.reason);
    return { number, commit: outputs.commit, outputs };
  }
}

/** What a pull request changes that releases logs v0.2.0. */
export const RELEASE = { 'release-plugins/logs.yaml': pluginText('logs', { port: 8081, version: 'v0.2.0' }) };

/** Returns the package that a release would make of a plugin. */
export function packageOf({ plugin, version, commit, images }: Plugin, more: Partial<Package> = {}): Package {
  const file = `acme-plugins-${plugin}-${version}.tar.gz`;
  const uri = `oss://infra/plugins/${plugin}/${file}`;
  return { plugin, version, file: `/tmp/${file}`, sha256: 'a'.repeat(64), size: 1, uri, commit, images, ...more };
}
