import type { ServiceRun } from '@slipway/sandbox/actions-service/options';
import { ENGINEER, MAINTAINER, PUSHED_COMMENT, REPOSITORY } from '../../scripts/demo/cast.ts';
import type { ChainPlace } from './chain-place.ts';
import type { Beginning } from './kill-place.ts';
import type { Heal } from './kill-plan.ts';

/** A part of the chain: what sets it off, and what people do when it was stopped. */
export interface Passage {
  /** The workflow that does the work. */
  readonly workflow: string;
  begin(place: ChainPlace, beginning: Beginning): Promise<unknown>;
  /** Commands once more what was commanded. */
  again(place: ChainPlace, beginning: Beginning): Promise<unknown>;
}

/** From the comment to the packages in the object store, and to the registered ones in a running registry. */
export const RELEASE: Passage = {
  workflow: 'release',
  begin: (place, { release }) => place.release(ENGINEER).comment(release, PUSHED_COMMENT),
  again: (place, { release }) => place.release(ENGINEER).comment(release, '/queue working-image-pushed'),
};

/** From a merged promotion to the running registries, and to the removal that is proposed. */
export const DISTRIBUTION: Passage = {
  workflow: 'distribution',
  begin: (place, { promotion }) => place.storage(MAINTAINER).merge(promotion),
  again: (place) => place.storage(MAINTAINER).dispatch('roll-out.yml', { distribution: 'staging' }),
};

/** What may fail in a place where machines die. */
const ANY = ['release', 'distribution', 'roll out', 'pull request'];

/** So often people try before they ask for help. */
const PATIENCE = 3;

/** Sets a passage off and waits for its end, whatever that is; returns the run that did the work. */
export async function play(passage: Passage, place: ChainPlace, beginning: Beginning): Promise<ServiceRun> {
  await passage.begin(place, beginning);
  const run = (await place.chain.settle(ANY)).find(({ name }) => name === passage.workflow);
  if (run === undefined) throw new Error(`nothing started the workflow '${passage.workflow}'`);
  return run;
}

/** Heals a run in one way until everything that this starts ends well; throws what was said when nothing does. */
export async function heal(
  passage: Passage,
  place: ChainPlace,
  beginning: Beginning,
  { way, run }: { readonly way: Heal; readonly run: ServiceRun },
): Promise<void> {
  const ends: string[] = [];
  for (let attempt = 0; attempt < PATIENCE; attempt += 1) {
    await healOnce(passage, place, beginning, way, run);
    const runs = await place.chain.settle(ANY);
    if (runs.length > 0 && runs.every(({ conclusion }) => conclusion === 'success' || conclusion === 'skipped')) return;
    ends.push(...runs.map(({ name, event, conclusion }) => `${name} (${event}): ${conclusion}`));
  }
  throw new Error(`Not healed in ${PATIENCE} attempts: ${ends.join(', ')}\n${place.lines.slice(-40).join('\n')}`);
}

async function healOnce(
  passage: Passage,
  place: ChainPlace,
  beginning: Beginning,
  way: Heal,
  { id, repository }: ServiceRun,
): Promise<void> {
  const client = repository === REPOSITORY ? place.release(MAINTAINER) : place.storage(MAINTAINER);
  switch (way) {
    case 'failed jobs again':
      await client.send('POST', `/actions/runs/${id}/rerun-failed-jobs`);
      return;
    case 'all jobs again':
      await client.send('POST', `/actions/runs/${id}/rerun`);
      return;
    case 'another command':
      await passage.again(place, beginning);
      return;
    case 'sweep':
      await place.stage.workflows.tick(repository);
  }
}
