import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  APP,
  BRANCH,
  ENGINEER,
  MAINTAINER,
  OWNER,
  PULL_REQUEST,
  PUSHED_COMMENT,
  REPOSITORY,
  STRANGER,
} from '../../scripts/demo/cast.ts';
import type { Comment, PullRequest } from '../../scripts/demo/github-client.ts';
import { atMoment, editCommentNow } from './attack-moment.ts';
import { AttackPlace, COMMAND, jobsOf, OTHER_APP, outputsOfStep, pluginText, READER } from './attack-place.ts';
import { commitTo } from './attack-push.ts';

let place: AttackPlace;

beforeAll(async () => {
  place = await AttackPlace.open();
});

afterAll(() => place[Symbol.asyncDispose]());

afterEach(async () => {
  await place.expectNothingReleased();
  place.expectNothingLeaked();
});

/** Reviews as somebody does who looks at the head, or at an older commit. */
const review = (who: { readonly token: string }, number: number, event: string, commit?: string): Promise<unknown> =>
  place.as(who).send('POST', `/pulls/${number}/reviews`, { event, body: 'Seen', ...(commit && { commit_id: commit }) });

/** What the command's job says, once everything has ended; that it went no further; and that no release is recorded. */
async function commandOf(who: { readonly token: string }, number: number, body: string) {
  const before = place.requests();
  const run = await place.comment(who, number, body);
  expect(jobsOf(run)).toEqual(['release / command']);
  expect(place.requests(), 'a registry was asked').toBe(before);
  expect(place.records()).toEqual([]);
  expect((await place.show(number)).labels).not.toContain('queue/working-image-pushed');
  return outputsOfStep(run, 'command');
}

describe('where an owner has approved, a comment', () => {
  let pull: PullRequest;

  beforeAll(async () => {
    pull = await place.open(ENGINEER, { ...PULL_REQUEST, head: BRANCH });
    await review(OWNER, pull.number, 'APPROVE', pull.head.sha);
  });

  afterAll(() => place.as(ENGINEER).send('PATCH', `/pulls/${pull.number}`, { state: 'closed' }));

  it.each([
    ['a stranger', STRANGER],
    ['a reader', READER],
  ])('by %s commands nothing, and is answered', async (_, who) => {
    const { result, reason } = await commandOf(who, pull.number, PUSHED_COMMENT);
    expect(result).toBe('refused');
    expect(reason).toContain(`${who.login} may not command here`);
    expect((await place.show(pull.number)).own.at(-1)).toContain(`${who.login} may not command here`);
  });

  it('by another App is passed over', async () => {
    const run = await place.comment(OTHER_APP, pull.number, PUSHED_COMMENT);
    expect(jobsOf(run)).toEqual([]);
    expect(place.records()).toEqual([]);
  });

  it.each([
    ['in a code block', `\`\`\`text\n${COMMAND}\n\`\`\``],
    ['in a quote', `> ${COMMAND}\n> ${COMMAND}`],
    ['in an HTML comment', `<!--\n${COMMAND}\n-->`],
    ['in a code block that nobody closes', `~~~\n${COMMAND}`],
  ])('with the command %s holds none', async (_, body) => {
    const answers = (await place.show(pull.number)).own.length;
    const { result, reason } = await commandOf(ENGINEER, pull.number, body);
    expect([result, reason]).toEqual(['ignored', 'The comment holds no command.']);
    expect((await place.show(pull.number)).own).toHaveLength(answers);
  });

  it('that is edited later starts nothing, not even by somebody who may write everybody’s', async () => {
    await place.comment(ENGINEER, pull.number, 'Nice weather today.');
    const mine = (await place.show(pull.number)).comments.findLast(({ user }) => user.login === ENGINEER.login);
    await place.as(MAINTAINER).send('PATCH', `/issues/comments/${mine?.id}`, { body: PUSHED_COMMENT });
    expect(await place.settle()).toEqual([]);
    expect(place.records()).toEqual([]);
  });

  it('that is edited before its job looks at it is no command any more', async () => {
    const { id } = (await place.as(OWNER).comment(pull.number, 'Nice weather today and/or tomorrow.')) as Comment;
    // Within the second in which it was written, so that the time of the change does not tell.
    const hasCome = atMoment(place, { job: /command/ }, () => editCommentNow(place, id, COMMAND));
    const [run] = (await place.settle()).filter(({ name }) => name === 'release');
    expect(hasCome()).toBe(true);
    expect(outputsOfStep(run, 'command')['reason']).toContain('The comment was edited');
    expect(place.records()).toEqual([]);
  });
});

describe('an approval', () => {
  let pull: PullRequest;

  const refused = async (): Promise<string> => {
    const { result, reason = '' } = await commandOf(ENGINEER, pull.number, PUSHED_COMMENT);
    expect(result).toBe('refused');
    expect((await place.show(pull.number)).own.at(-1)).toContain('has no approving review');
    return reason;
  };

  beforeAll(async () => {
    pull = await place.open(ENGINEER, { ...PULL_REQUEST, head: BRANCH });
  });

  afterAll(() => place.as(ENGINEER).send('PATCH', `/pulls/${pull.number}`, { state: 'closed' }));

  it('is needed, and the author’s own is none', async () => {
    expect(await refused()).toContain('no approving review by an approver in OWNERS (lin-wei, maria-k)');
    await expect(review(ENGINEER, pull.number, 'APPROVE')).rejects.toThrow('Can not approve your own pull request');
  });

  it('by a stranger, a reader and a writer who is no owner does not count', async () => {
    await Promise.all([STRANGER, READER, MAINTAINER].map((who) => review(who, pull.number, 'APPROVE', pull.head.sha)));
    expect(await refused()).toContain('approved it, which does not count');
  });

  it('does not count once it was followed by a request for changes', async () => {
    await review(OWNER, pull.number, 'APPROVE', pull.head.sha);
    await review(OWNER, pull.number, 'REQUEST_CHANGES', pull.head.sha);
    await review(OWNER, pull.number, 'COMMENT', pull.head.sha);
    expect(await refused()).toContain('no approving review');
  });

  it('does not count once it was dismissed', async () => {
    await review(OWNER, pull.number, 'APPROVE', pull.head.sha);
    // An administrator's deed on the page of the pull request.
    const last = place.repository(REPOSITORY).record.reviews.findLast(({ user }) => user === OWNER.login);
    if (last !== undefined) last.state = 'DISMISSED';
    expect(await refused()).toContain('no approving review');
  });

  it('of an older head does not count, even where GitHub does not dismiss it', async () => {
    const checks = [{ context: 'slipway / release', appId: APP.id }];
    place.chain.stage.sandbox.github.setProtection(REPOSITORY, 'main', { checks });
    await review(OWNER, pull.number, 'APPROVE', pull.head.sha);
    await commitTo(place.as(ENGINEER), BRANCH, { 'README.md': 'Nothing to see here.\n' });
    await place.settle();
    expect(await refused()).toContain('lin-wei approved another commit');
  });

  it('by the author does not count where the author is an owner', async () => {
    await commitTo(place.as(OWNER), 'by-the-owner', {
      'release-plugins/log-collector.yaml': pluginText('log-collector'),
    });
    const own = await place.open(OWNER, { title: 'Mine', body: '', head: 'by-the-owner' });
    await expect(review(OWNER, own.number, 'APPROVE')).rejects.toThrow('Can not approve your own pull request');
    const { result, reason } = await commandOf(OWNER, own.number, PUSHED_COMMENT);
    expect(result).toBe('refused');
    expect(reason).toContain('no approving review');
  });
});

describe('labels set by hand', () => {
  it('start nothing, and a sweep starts nothing for them', async () => {
    const body = { ...PULL_REQUEST, head: BRANCH };
    const { number, head } = await place.open(ENGINEER, body);
    await review(OWNER, number, 'APPROVE', head.sha);
    const labels = ['queue/working-image-pushed', 'queue/done-package-uploaded', 'kind/release'];
    await place.as(ENGINEER).send('PUT', `/issues/${number}/labels`, { labels });
    expect(await place.settle()).toEqual([]);
    await place.chain.stage.workflows.tick(REPOSITORY);
    const runs = await place.settle();
    expect(runs.map(({ event }) => event)).toEqual(['schedule']);
    expect(jobsOf(runs[0])).toEqual(['release / sweep']);
    expect(JSON.stringify(runs[0]?.results)).toContain('they were set by hand, or it was pushed to');
    expect(place.records()).toEqual([]);
    await expect(place.as(OWNER).merge(number)).rejects.toThrow('is expected');
  });
});
