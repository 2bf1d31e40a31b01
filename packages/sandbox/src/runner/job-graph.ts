import type { WorkflowJob } from './job-file.ts';

/**
 * Returns the jobs by id so that each stands behind those it needs. Throws for a need that is no job, and for jobs that
 * wait for each other.
 */
export function orderJobs(jobs: readonly WorkflowJob[], path: string): ReadonlyMap<string, WorkflowJob> {
  const ids = new Set(jobs.map(({ id }) => id));
  for (const { needs, place } of jobs) {
    const unknown = needs.find((id) => !ids.has(id));
    if (unknown !== undefined) throw new Error(`${place}.needs: there is no job '${unknown}'`);
  }
  const ordered = new Map<string, WorkflowJob>();
  let rest = jobs;
  while (rest.length > 0) {
    const ready = rest.filter(({ needs }) => needs.every((id) => ordered.has(id)));
    if (ready.length === 0) {
      throw new Error(`${path}: the jobs ${rest.map(({ id }) => `'${id}'`).join(', ')} wait for each other`);
    }
    for (const job of ready) ordered.set(job.id, job);
    rest = rest.filter(({ id }) => !ordered.has(id));
  }
  return ordered;
}

/** Returns the ids of all jobs that `id` needs, and that those need. */
export function ancestorsOf(jobs: ReadonlyMap<string, WorkflowJob>, id: string): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (job: string): void => {
    for (const need of jobs.get(job)?.needs ?? []) {
      if (found.has(need)) continue;
      found.add(need);
      visit(need);
    }
  };
  visit(id);
  return found;
}
