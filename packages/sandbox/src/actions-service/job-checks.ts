import type { RunConclusion, RunStatus, WorkflowRunJob } from '../github/actions-host.ts';
import { actionsApp } from '../github/announce.ts';
import { isoSeconds } from '../github/git/objects.ts';
import type { CheckRunRecord } from '../github/records.ts';
import { repositoryPage } from '../github/shapes/repository-shape.ts';
import type { Site } from '../github/site.ts';
import type { JobRecord } from '../runner/run-workflow.ts';
import type { Run } from './run.ts';

/** Shows the jobs of one attempt at a run: in the run's list, and as check runs on its head. */
export class JobChecks {
  readonly #site: Site;
  readonly #run: Run;
  readonly #checks = new Map<string, CheckRunRecord>();

  constructor(site: Site, run: Run) {
    this.#site = site;
    this.#run = run;
  }

  /** Shows how a job stands now. */
  show(job: JobRecord, now: Date): WorkflowRunJob {
    const { source, attempt, jobs } = this.#run;
    const check = this.#checks.get(job.id) ?? this.#add(job);
    const isDone = job.status === 'completed';
    Object.assign(check, {
      name: job.name,
      status: job.status,
      conclusion: isDone ? (job.result ?? 'failure') : null,
      completedAt: isDone ? isoSeconds(now) : null,
    });
    source.save();
    const shown: WorkflowRunJob = {
      id: check.id,
      attempt,
      name: job.name,
      status: job.status,
      conclusion: isDone ? (job.result ?? 'failure') : null,
      startedAt: job.started,
      completedAt: isDone ? now : null,
      steps: stepsOf(job),
    };
    const at = jobs.findIndex((each) => each.id === shown.id && each.attempt === attempt);
    if (at < 0) jobs.push(shown);
    else jobs[at] = shown;
    this.#run.updatedAt = now;
    return shown;
  }

  /** Takes over the jobs that an attempt did not run again; their check runs are those of the attempt before. */
  keep(results: readonly JobRecord[]): void {
    const { jobs, attempt } = this.#run;
    for (const { id, name } of results) {
      if (this.#checks.has(id)) continue;
      const earlier = jobs.findLast((job) => job.name === name && job.attempt < attempt);
      if (earlier !== undefined) jobs.push({ ...earlier, attempt });
    }
  }

  /** Ends the check runs of jobs that nobody ends any more. */
  abandon(now: Date): void {
    for (const check of this.#checks.values()) {
      if (check.status !== 'completed') {
        Object.assign(check, { status: 'completed', conclusion: 'failure', completedAt: isoSeconds(now) });
      }
    }
    this.#run.source.save();
  }

  #add(job: JobRecord): CheckRunRecord {
    const { source, headSha, suite, id } = this.#run;
    const check: CheckRunRecord = {
      id: source.nextId(),
      suite,
      app: actionsApp,
      headSha,
      name: job.name,
      status: 'queued',
      conclusion: null,
      startedAt: isoSeconds(job.started),
      completedAt: null,
      detailsUrl: null,
      externalId: job.id,
      output: { title: null, summary: null, text: null, annotationsCount: 0 },
    };
    check.detailsUrl = `${repositoryPage(this.#site, source)}/actions/runs/${id}/job/${check.id}`;
    source.record.checkRuns.push(check);
    this.#checks.set(job.id, check);
    return check;
  }
}

function stepsOf(job: JobRecord): WorkflowRunJob['steps'] {
  return job.steps.map(({ name, result }, index) => {
    const status: RunStatus = 'completed';
    const conclusion: RunConclusion = result;
    return { name, number: index + 1, status, conclusion };
  });
}
