import { GitRepository } from './git/git-repository.ts';
import { writeJsonFile } from './json-file.ts';
import type { IssueRecord, LabelRecord, RepositoryRecord, Role } from './records.ts';

/** Ids are unique on the whole server: each repository hands out its own million. */
const idsPerRepository = 1_000_000;

/** One repository: git on one side, what GitHub keeps beside it on the other. */
export class HostedRepository {
  readonly record: RepositoryRecord;
  readonly git: GitRepository;
  readonly #path: string;
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

  /** Runs `work` when everything given before has ended: changes of several steps must not interleave. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
