import type { HostedRepository } from './hosted-repository.ts';

/** The suite of checks that an app has for a commit. Each run of a workflow has one of its own instead. */
export function suiteOf(repository: HostedRepository, headSha: string, app: string): number {
  const earlier = repository.record.checkRuns.find((run) => run.headSha === headSha && run.app === app);
  return earlier?.suite ?? repository.nextId();
}
