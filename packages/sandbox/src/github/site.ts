import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Accounts } from './accounts.ts';
import type { ActionsHost } from './actions-host.ts';
import { Apps } from './apps.ts';
import type { TokenOptions } from './authentication.ts';
import { EventBus } from './event-bus.ts';
import { createBareRepository } from './git/git-command.ts';
import { isoSeconds } from './git/objects.ts';
import { HostedRepository } from './hosted-repository.ts';
import { readJsonFile } from './json-file.ts';
import { Movers } from './movers.ts';
import type { RepositoryRecord, Role } from './records.ts';

export interface RepositoryOptions {
  /** An existing bare repository, served in place; null creates an empty one whose default branch is `main`. */
  readonly path?: string | null;
  readonly private?: boolean;
  /** `owner/name` of the repository that this one is a fork of. */
  readonly forkOf?: string;
  readonly collaborators?: Readonly<Record<string, Role>>;
}

const ownerAndName = /^([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)\/([A-Za-z0-9._-]+)$/;

/** Everything that a GitHub server knows, kept under one directory so that the next start goes on from there. */
export class Site {
  readonly directory: string;
  readonly accounts: Accounts;
  readonly #now: () => Date;
  readonly #repositories = new Map<string, HostedRepository>();
  readonly events = new EventBus();
  readonly movers = new Movers();
  readonly apps = new Apps();
  /** By their secrets. Not kept: each start says who may do what. */
  readonly tokens = new Map<string, TokenOptions>();
  /** Who runs workflows; undefined where nobody does. */
  actions: ActionsHost | undefined;
  /** Logins that are administrators of every repository. */
  readonly administrators = new Set<string>();
  /** `http://127.0.0.1:port`, known once the server listens. */
  serverUrl = '';

  constructor(directory: string, now: () => Date) {
    this.directory = directory;
    this.#now = now;
    this.accounts = new Accounts(join(directory, 'accounts.json'), () => this.timestamp());
  }

  get apiUrl(): string {
    return `${this.serverUrl}/api/v3`;
  }

  readonly now = (): Date => this.#now();

  timestamp(): string {
    return isoSeconds(this.now());
  }

  /** Opens the repositories that an earlier server on this directory knew. */
  async open(): Promise<void> {
    const folder = join(this.directory, 'state');
    await mkdir(folder, { recursive: true });
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.json'))) {
      const record = readJsonFile<RepositoryRecord>(join(folder, file));
      // What a server of before did not keep yet is empty.
      if (record !== undefined)
        this.#keep({ ...record, protections: record.protections ?? {}, environments: record.environments ?? [] });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.repositories().map(({ git }) => git.close()));
  }

  repositories(): HostedRepository[] {
    return [...this.#repositories.values()];
  }

  find(fullName: string): HostedRepository | undefined {
    return this.#repositories.get(fullName.toLowerCase());
  }

  /** Adds a repository, or changes what the options say about one that is there. */
  async addRepository(fullName: string, options: RepositoryOptions = {}): Promise<HostedRepository> {
    const [, owner, name] = ownerAndName.exec(fullName) ?? [];
    if (owner === undefined || name === undefined) throw new Error(`${fullName} is not of the form owner/name`);
    const known = this.find(fullName);
    const path = resolve(
      options.path ?? known?.record.path ?? join(this.directory, 'repositories', owner, `${name}.git`),
    );
    if (known !== undefined && known.record.path !== path) {
      throw new Error(`${fullName} is served from ${known.record.path}, not from ${path}`);
    }
    if (!existsSync(join(path, 'HEAD'))) {
      if (typeof options.path === 'string') throw new Error(`${path} is not a bare git repository`);
      await mkdir(path, { recursive: true });
      await createBareRepository(path);
    }
    // Companies own what people fork.
    this.accounts.ensure(owner, options.forkOf === undefined ? 'Organization' : 'User');
    const repository = known ?? this.#keep(this.#newRecord(owner, name, path));
    this.#apply(repository.record, options);
    repository.save();
    return repository;
  }

  #apply(record: RepositoryRecord, options: RepositoryOptions): void {
    if (options.private !== undefined) record.private = options.private;
    if (options.forkOf !== undefined) record.forkOf = options.forkOf;
    for (const [login, role] of Object.entries(options.collaborators ?? {})) {
      this.accounts.ensure(login);
      record.collaborators[login] = role;
    }
  }

  #newRecord(owner: string, name: string, path: string): RepositoryRecord {
    const createdAt = this.timestamp();
    return {
      id: this.accounts.nextId(),
      owner,
      name,
      path,
      private: false,
      forkOf: null,
      createdAt,
      pushedAt: createdAt,
      nextNumber: 1,
      nextId: 0,
      collaborators: {},
      labels: [],
      issues: [],
      comments: [],
      reviews: [],
      checkRuns: [],
      protections: {},
      environments: [],
    };
  }

  #keep(record: RepositoryRecord): HostedRepository {
    // An owner has no dots, so the first dot ends it and no two repositories share a file.
    const file = join(this.directory, 'state', `${record.owner}.${record.name}.json`.toLowerCase());
    const repository = new HostedRepository(file, record);
    this.#repositories.set(repository.fullName.toLowerCase(), repository);
    return repository;
  }
}
