import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostedRepository } from '../github/hosted-repository.ts';
import type { Site } from '../github/site.ts';
import { readTextFile } from '../github/workflow-files.ts';
import { ConcurrencyGroups } from '../runner/concurrency-groups.ts';
import { reasonOf } from '../runner/reason.ts';
import { type Killer, runWorkflow, type TreeReader, type WorkflowRunResult } from '../runner/run-workflow.ts';
import { JobChecks } from './job-checks.ts';
import { openGrant } from './job-grant.ts';
import type { ActionsServiceOptions } from './options.ts';
import type { Run } from './run.ts';
import { runContext } from './run-context.ts';

/** Brings runs to their end, and shows them on the way. */
export class RunExecution {
  killer: Killer | undefined;
  readonly #options: ActionsServiceOptions;
  readonly #site: Site;
  readonly #now: () => Date;
  readonly #groups = new ConcurrencyGroups();
  #artifacts: Promise<string> | undefined;

  constructor(options: ActionsServiceOptions, now: () => Date) {
    this.#options = options;
    this.#site = options.github.site;
    this.#now = now;
    this.killer = options.killer;
  }

  /** Runs one attempt; never rejects. Returns undefined for a run that came to nothing because its file is broken. */
  async execute(run: Run): Promise<WorkflowRunResult | undefined> {
    const checks = new JobChecks(this.#site, run);
    const { reason } = run.origin.selected;
    try {
      if (reason !== undefined) throw new Error(reason);
      const result = await this.#run(run, checks);
      run.results = result.jobs;
      checks.keep(result.jobs);
      run.end(result.result, this.#now(), result.error);
      return result;
    } catch (error) {
      checks.abandon(this.#now());
      run.end('failure', this.#now(), reasonOf(error));
      return undefined;
    }
  }

  /** Removes the artifacts of all runs. */
  async close(): Promise<void> {
    const directory = await this.#artifacts;
    this.#artifacts = undefined;
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }

  async #run(run: Run, checks: JobChecks): Promise<WorkflowRunResult> {
    const { actions, env, machines, repositories, onJob, onLine } = this.#options;
    const { source, occasion } = run;
    const settings = Object.entries(repositories).find(
      ([name]) => name.toLowerCase() === source.fullName.toLowerCase(),
    )?.[1];
    const { secrets = {}, vars = {} } = occasion.fromFork ? {} : (settings ?? {});
    const { file } = run.origin.selected;
    return runWorkflow({
      workflow: { ...file, tree: commitTree(source, occasion.source) },
      github: runContext(this.#site, run),
      inputs: run.origin.inputs,
      secrets,
      vars,
      actions,
      ...(env === undefined ? {} : { env }),
      ...(machines === undefined ? {} : { machines }),
      ...(run.previous === undefined ? {} : { previous: run.previous }),
      concurrency: this.#groups,
      // All attempts at a run share them.
      artifacts: join(await this.#artifactsDirectory(), String(run.id)),
      signal: run.abort.signal,
      killer: this.#killer(),
      openJob: async (job) => openGrant(this.#site, run, job),
      onJob: (record) => {
        if (record.status !== 'queued') run.status = 'in_progress';
        const shown = checks.show(record, this.#now());
        onJob?.(run, shown);
      },
      onLine: (line, job, step) => onLine?.(line, run, job, step),
    });
  }

  #artifactsDirectory(): Promise<string> {
    this.#artifacts ??= mkdtemp(join(tmpdir(), 'slipway-artifacts-'));
    return this.#artifacts;
  }

  /** Asks whoever kills at that moment: it may change while a run is under way. */
  #killer(): Killer {
    return {
      atStep: (job, step, name) => this.killer?.atStep?.(job, step, name) ?? false,
      atLine: (line, job, name) => this.killer?.atLine?.(line, job, name) ?? false,
      during: (job, name) => this.killer?.during?.(job, name),
    };
  }
}

/** The files of a commit, as the runner reads them. */
function commitTree({ git, fullName }: HostedRepository, commit: string): TreeReader {
  return { name: `${fullName}@${commit.slice(0, 12)}`, read: (path) => readTextFile(git, commit, path) };
}
