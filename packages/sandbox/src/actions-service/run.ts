import type { RunConclusion, RunStatus, WorkflowRunJob } from '../github/actions-host.ts';
import type { HostedRepository } from '../github/hosted-repository.ts';
import type { JsonObject } from '../github/payload.ts';
import { isJsonObject } from '../github/payload.ts';
import type { JobRecord, WorkflowRunResult } from '../runner/run-workflow.ts';
import type { Occasion } from './occasion.ts';
import type { ServiceRun } from './options.ts';
import type { Selected } from './selection.ts';

/** What a run is made of; nothing of it changes when it is run again. */
export interface RunOrigin {
  readonly id: number;
  readonly number: number;
  readonly suite: number;
  readonly selected: Selected;
  readonly payload: JsonObject;
  readonly actor: string;
  /** The context `inputs` of a dispatch. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** A run of a workflow, in its latest attempt. */
export class Run implements ServiceRun {
  readonly origin: RunOrigin;
  readonly source: HostedRepository;
  readonly jobs: WorkflowRunJob[] = [];
  readonly createdAt: Date;
  attempt = 1;
  triggeringActor: string;
  status: RunStatus = 'queued';
  conclusion: RunConclusion | null = null;
  reason: string | null = null;
  startedAt: Date;
  updatedAt: Date;
  results: readonly JobRecord[] = [];
  /** What the attempt before this one came to; undefined where everything is to be run. */
  previous: WorkflowRunResult | undefined;
  /** Cancels this attempt. */
  abort = new AbortController();

  constructor(source: HostedRepository, origin: RunOrigin, now: Date) {
    this.source = source;
    this.origin = origin;
    this.triggeringActor = origin.actor;
    this.createdAt = now;
    this.startedAt = now;
    this.updatedAt = now;
  }

  get occasion(): Occasion {
    return this.origin.selected.occasion;
  }
  get id(): number {
    return this.origin.id;
  }
  get number(): number {
    return this.origin.number;
  }
  get suite(): number {
    return this.origin.suite;
  }
  get repository(): string {
    return this.source.fullName;
  }
  get path(): string {
    return this.origin.selected.file.path;
  }
  get name(): string {
    return this.origin.selected.name;
  }
  get event(): string {
    return this.occasion.event;
  }
  get payload(): JsonObject {
    return this.origin.payload;
  }
  get actor(): string {
    return this.origin.actor;
  }
  get headRepository(): string {
    return this.occasion.head.repository;
  }
  get headBranch(): string | null {
    return this.occasion.head.branch;
  }
  get headSha(): string {
    return this.occasion.head.sha;
  }

  /** What GitHub shows as the run's title: the pull request's, or the first line of the commit that was pushed. */
  get title(): string {
    const { pull_request: pull, issue, head_commit: commit } = this.payload;
    const titled = [pull, issue].find(isJsonObject)?.['title'];
    if (typeof titled === 'string') return titled;
    const message = isJsonObject(commit) ? commit['message'] : undefined;
    return typeof message === 'string' ? (message.split('\n')[0] ?? '') : this.name;
  }

  /** Begins the next attempt; the event, its actor and its commit stay. */
  again(triggeringActor: string, previous: WorkflowRunResult | undefined, now: Date): void {
    this.attempt += 1;
    this.triggeringActor = triggeringActor;
    this.previous = previous;
    this.abort = new AbortController();
    this.status = 'queued';
    this.conclusion = null;
    this.reason = null;
    this.startedAt = now;
    this.updatedAt = now;
  }

  end(conclusion: RunConclusion, now: Date, reason: string | null = null): void {
    this.status = 'completed';
    this.conclusion = conclusion;
    this.reason = reason;
    this.updatedAt = now;
  }
}
