import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BRANCH, ENGINEER, OWNER, PULL_REQUEST, PUSHED_COMMENT, REPOSITORY } from '../../scripts/demo/cast.ts';
import type { PullRequest } from '../../scripts/demo/github-client.ts';
import { atMoment, type Moment, pushNow } from './attack-moment.ts';
import { AttackPlace, jobsOf, outputsOfStep, pluginText } from './attack-place.ts';
import { commitTo } from './attack-push.ts';

let place: AttackPlace;
let pull: PullRequest;
/** The head now, approved by an owner. */
let head: string;

beforeAll(async () => {
  place = await AttackPlace.open();
  pull = await place.open(ENGINEER, { ...PULL_REQUEST, head: BRANCH });
  head = pull.head.sha;
});

afterAll(() => place[Symbol.asyncDispose]());

afterEach(() => place.expectNothingLeaked());

const approve = (sha: string): Promise<unknown> =>
  place.as(OWNER).send('POST', `/pulls/${pull.number}/reviews`, { event: 'APPROVE', commit_id: sha });

/** Makes a commit that somebody could push to the branch, without pushing it there. */
async function prepare(text: string): Promise<string> {
  const { git, record } = place.repository(REPOSITORY);
  const now = (await git.branch(BRANCH)) ?? '';
  const client = place.as(ENGINEER);
  const name = `prepared-${record.nextId}`;
  await client.send('POST', '/git/refs', { ref: `refs/heads/${name}`, sha: now });
  return commitTo(client, name, { 'release-plugins/log-collector.yaml': `${pluginText('log-collector')}# ${text}\n` });
}

/** Commands the release of the head, approved; somebody pushes at that moment. Returns what came of it. */
async function pushAt(moment: Moment) {
  await approve(head);
  const next = await prepare(`another ${JSON.stringify(moment.job.source)}`);
  const hasCome = atMoment(place, moment, () => pushNow(place, BRANCH, next));
  const run = await place.comment(ENGINEER, pull.number, PUSHED_COMMENT);
  expect(hasCome()).toBe(true);
  const commanded = head;
  head = next;
  return { run, records: place.records(commanded) };
}

describe('a push', () => {
  it('between the approval and the command: the new commit is not approved', async () => {
    const { run, records } = await pushAt({ job: /^release \/ command$/ });
    expect(jobsOf(run)).toEqual(['release / command']);
    expect(outputsOfStep(run, 'command')['reason']).toContain(`${head} has no approving review`);
    expect(records).toEqual([]);
    await place.expectNothingReleased();
  });

  it('while the images are looked for: they are not bound', async () => {
    const { run, records } = await pushAt({ job: /^release \/ images$/ });
    expect(outputsOfStep(run, 'bind')['result']).not.toBe('release');
    expect(jobsOf(run).filter((name) => name.startsWith('release / release'))).toEqual([]);
    expect(records).toEqual(['failure']);
    expect(place.chain.lines.join('\n')).toContain('it was pushed to');
    await place.expectNothingReleased();
  });

  it('between binding and the first copy: nothing is copied', async () => {
    const { records } = await pushAt({ job: /^release \/ release / });
    expect(records).toEqual(['failure']);
    expect(place.chain.lines.join('\n')).toContain(`is at ${head} by now`);
    await place.expectNothingReleased();
  });

  it('while images are copied: nothing is uploaded', async () => {
    const { records } = await pushAt({ job: /^release \/ release /, step: /^Sync images$/, at: 'line' });
    expect(records).toEqual(['failure']);
    const { oss } = place.chain.stage.sandbox;
    expect(await oss.objects('acme-release')).toEqual([]);
    expect(await oss.uploads('acme-release')).toEqual([]);
    const { own, labels } = await place.show(pull.number);
    expect(own.join('\n')).not.toContain('packages uploaded');
    expect(labels).not.toContain('queue/done-package-uploaded');
    expect(place.records()).not.toContain('success');
  });
});

describe('a change of mind while images are copied', () => {
  it.each(['CHANGES_REQUESTED', 'DISMISSED'] as const)('(%s) stops the upload', async (state) => {
    const sha = await commitTo(place.as(ENGINEER), BRANCH, {
      'release-plugins/log-collector.yaml': `${pluginText('log-collector')}# ${state}\n`,
    });
    await place.settle();
    head = sha;
    await approve(head);
    const { reviews } = place.repository(REPOSITORY).record;
    const hasCome = atMoment(place, { job: /^release \/ release /, step: /^Sync images$/, at: 'line' }, () => {
      const last = reviews.at(-1);
      if (last !== undefined) reviews.push({ ...last, id: place.repository(REPOSITORY).nextId(), state });
      if (last !== undefined && state === 'DISMISSED') last.state = state;
    });
    await place.comment(ENGINEER, pull.number, PUSHED_COMMENT);
    expect(hasCome()).toBe(true);
    expect(place.chain.lines.join('\n')).toContain('The approval does not stand any more.');
    expect(place.records(head)).toEqual(['failure']);
    const { oss } = place.chain.stage.sandbox;
    expect(await oss.objects('acme-release')).toEqual([]);
  });
});
