import { GitRepository } from './git/git-repository.ts';
import { writeJsonFile } from './json-file.ts';
import type {
  EnvironmentRecord,
  IssueRecord,
  LabelRecord,
  ProtectionRecord,
  RepositoryRecord,
  Role,
} from './records.ts';

/** Ids are unique on the whole server: each repository hands out its own million. */
const idsPerRepository = 1_000_000;

export interface Variables {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, string>>;
}

export interface EnvironmentOptions extends Variables {
  /** Patterns of the branches that may deploy to it; absent: all. */
  readonly branches?: readonly string[];
}

/** What must hold before something is merged into a branch; what is absent need not. */
export interface ProtectionOptions extends Partial<Omit<ProtectionRecord, 'checks'>> {
  /** Names of checks, of any app or of the one with this id. */
  readonly checks?: readonly (string | { readonly context: string; readonly appId: number })[];
}

/** One repository: git on one side, what GitHub keeps beside it on the other. */
export class HostedRepository {
  readonly record: RepositoryRecord;
  readonly git: GitRepository;
  readonly #path: string;
  readonly #variables = new Map<string, Variables>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(path: string, record: RepositoryRecord) {
    this.#path = path;
    this.record = record;
    this.git = new GitRepository(record.path);
  }

  get fullName(): string {
    return `${this.record.owner}/${this.record.name}`;
  }

  save(): void {
    writeJsonFile(this.#path, this.record);
  }

  nextId(): number {
    this.record.nextId += 1;
    return this.record.id * idsPerRepository + this.record.nextId;
  }

  /** Pull requests are issues, too, and share their numbers. */
  nextNumber(): number {
    const number = this.record.nextNumber;
    this.record.nextNumber += 1;
    return number;
  }

  issue(number: number): IssueRecord | undefined {
    return this.record.issues.find((issue) => issue.number === number);
  }

  label(name: string): LabelRecord | undefined {
    return this.record.labels.find((label) => label.name.toLowerCase() === name.toLowerCase());
  }

  /** What somebody may do here: the owner everything, a collaborator their role, everybody else read if it is public. */
  role(login: string): Role | undefined {
    const lower = login.toLowerCase();
    if (lower === this.record.owner.toLowerCase()) return 'admin';
    const collaborator = Object.entries(this.record.collaborators).find(([name]) => name.toLowerCase() === lower);
    return collaborator?.[1] ?? (this.record.private ? undefined : 'read');
  }

  /** Protects a branch; undefined takes the protection away. */
  protect(branch: string, rules: ProtectionOptions | undefined): void {
    const { protections } = this.record;
    if (rules === undefined) delete protections[branch];
    else {
      const { checks = [], kind = 'ruleset', strict = false, approvals = 0, dismissStale = false, bypass = [] } = rules;
      const named = checks.map((check) => (typeof check === 'string' ? { context: check, appId: null } : check));
      protections[branch] = { kind, strict, approvals, dismissStale, bypass, checks: named };
    }
    this.save();
  }

  /** The environment of that name; as on GitHub it comes into being with the first job that names it. */
  environment(name: string): EnvironmentRecord {
    const { environments } = this.record;
    const known = environments.find((environment) => environment.name.toLowerCase() === name.toLowerCase());
    if (known !== undefined) return known;
    const createdAt = this.record.pushedAt;
    const environment: EnvironmentRecord = { id: this.nextId(), name, createdAt, branches: null };
    environments.push(environment);
    this.save();
    return environment;
  }

  setEnvironment(name: string, { branches, secrets = {}, vars = {} }: EnvironmentOptions): void {
    const environment = this.environment(name);
    environment.branches = branches ?? null;
    this.#variables.set(environment.name, { secrets, vars });
    this.save();
  }

  /** Secrets and variables of an environment. In memory only: each start says them again. */
  variablesOf(environment: string): Variables {
    return this.#variables.get(this.environment(environment).name) ?? {};
  }

  /** Runs `work` when everything given before has ended: changes of several steps must not interleave. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
