import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  BRANCH,
  ENGINEER,
  OWNER,
  PULL_REQUEST,
  PUSHED_COMMENT,
  REPOSITORY,
  STRANGER,
} from '../../scripts/demo/cast.ts';
import type { PullRequest } from '../../scripts/demo/github-client.ts';
import { AttackPlace, COMMAND, FORK, jobsOf, pluginText } from './attack-place.ts';
import { commitTo } from './attack-push.ts';

/*
 * A record is found by its commit, and anybody can open a pull request of a commit that is another's head.
 */

let place: AttackPlace;
let pull: PullRequest;
let head: string;
/** The stranger's pull request of the same commit. */
let twin: number;
let count = 0;

beforeAll(async () => {
  place = await AttackPlace.open();
  pull = await place.open(ENGINEER, { ...PULL_REQUEST, head: BRANCH });
});

afterAll(() => place[Symbol.asyncDispose]());

afterEach(() => place.expectNothingLeaked());

/** Leaves a release whose intent stands and that nothing works on, for the machine of its job has died. */
beforeEach(async () => {
  count += 1;
  const text = `${pluginText('log-collector')}# ${count}\n`;
  head = await commitTo(place.as(ENGINEER), BRANCH, { 'release-plugins/log-collector.yaml': text });
  await place.settle();
  await place.as(OWNER).send('POST', `/pulls/${pull.number}/reviews`, { event: 'APPROVE', commit_id: head });
  const { workflows } = place.chain.stage;
  workflows.setKiller({ atStep: (job) => job === 'release / bind' });
  await place.comment(ENGINEER, pull.number, PUSHED_COMMENT);
  workflows.setKiller(undefined);
  expect(place.records(head)).toEqual(['in_progress']);

  const [fork, original] = [place.repository(FORK), place.repository(REPOSITORY)];
  await fork.git.fetchCommit(original.git, head);
  await fork.git.setRef(`refs/heads/twin-${count}`, head);
  const body = { ...PULL_REQUEST, head: `${STRANGER.login}:twin-${count}` };
  twin = (await place.open(STRANGER, body)).number;
  expect(place.records(head)).toEqual(['in_progress']);
});

it('is not withdrawn by the author of another pull request of the same commit', async () => {
  await place.comment(STRANGER, twin, '/queue need-queue');
  expect(place.records(head)).toEqual(['in_progress']);
});

it('is not commanded there', async () => {
  const run = await place.comment(STRANGER, twin, COMMAND);
  expect(jobsOf(run)).toEqual(['release / command']);
  expect(place.records(head)).toEqual(['in_progress']);
  await place.expectNothingReleased();
});

it('is not stopped by a push there', async () => {
  const client = place.as(STRANGER, FORK);
  await commitTo(client, `twin-${count}`, { 'README.md': 'Mine.\n' });
  await place.settle();
  expect(place.records(head)).toEqual(['in_progress']);
});

it('is not stopped by a release of it by hand', async () => {
  await place.as(ENGINEER).dispatch('release.yml', { 'pull-request': String(twin), reason: 'The wrong number.' });
  await place.settle();
  expect(place.records(head)).toEqual(['in_progress']);
});

it('is started again by a sweep, and nothing else is', async () => {
  await place.chain.stage.workflows.tick(REPOSITORY);
  const runs = await place.settle();
  const dispatched = runs.filter(({ event }) => event === 'workflow_dispatch');
  expect(dispatched.map(({ payload }) => payload['inputs'])).toEqual([
    expect.objectContaining({ 'pull-request': String(pull.number) }),
  ]);
  expect(place.records(head)).toEqual(['success']);
});
