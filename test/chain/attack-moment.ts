import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../../scripts/demo/cast.ts';
import type { AttackPlace } from './attack-place.ts';

/** When a job is at it: before the first step of that name, or when that step prints its first line. */
export interface Moment {
  readonly job: RegExp;
  /** Default: the first step of the job. */
  readonly step?: RegExp;
  readonly at?: 'start' | 'line';
}

/**
 * Does something once, at one moment in a job. It is done synchronously, where the runner asks whether the machine dies, so
 * that the job goes no further meanwhile. Returns whether the moment has come.
 */
export function atMoment(
  place: AttackPlace,
  { job, step = /^/, at = 'start' }: Moment,
  deed: () => void,
): () => boolean {
  const { workflows } = place.chain.stage;
  let isDone = false;
  const strike = (isNow: boolean): boolean => {
    if (isNow && !isDone) {
      isDone = true;
      deed();
    }
    return false;
  };
  workflows.setKiller(
    at === 'start'
      ? { atStep: (name, _, title) => strike(job.test(name) && step.test(title)) }
      : { atLine: (_, name, title) => strike(job.test(name) && step.test(title)) },
  );
  return () => {
    workflows.setKiller(undefined);
    return isDone;
  };
}

/** Moves a branch to a commit that is there, as a push does whose objects have arrived. */
export function pushNow(place: AttackPlace, branch: string, commit: string): void {
  const { path } = place.repository(REPOSITORY).record;
  execFileSync('git', ['update-ref', `refs/heads/${branch}`, commit], { cwd: path });
}

/** Moves a tag of the source registry to a manifest that is there, as the last request of a push does. */
export function moveTagNow(place: AttackPlace, repository: string, tag: string, digest: string): void {
  writeFileSync(join(place.state, 'source/repositories', repository, '_tags', tag), digest);
}

/** Changes a comment as its author's page, or a writer's, does. */
export function editCommentNow(place: AttackPlace, id: number, body: string): void {
  const comment = place.repository(REPOSITORY).record.comments.find((each) => each.id === id);
  if (comment === undefined) throw new Error(`there is no comment ${id}`);
  comment.body = body;
}
