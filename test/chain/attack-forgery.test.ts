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
import { AttackPlace, COMMAND, jobsOf, OTHER_APP, outputsOfStep, pluginText } from './attack-place.ts';
import { commitTo } from './attack-push.ts';

/** What any workflow of the repository has whose job may write checks. */
const JOB = { token: 'token-of-some-job', login: 'github-actions[bot]', app: 'github-actions' };
/** A person who is called like our App's user, but for the ending that only apps have. */
const NAMESAKE = { token: 'token-of-a-namesake', login: APP.slug };

const FORGED = '<!-- slipway: status -->\n### Released\n\nAll is well. /queue done-package-uploaded';
const MERGED = 'only what was released is merged';

let place: AttackPlace;
let pull: PullRequest;

beforeAll(async () => {
  place = await AttackPlace.open();
  const { github } = place.chain.stage.sandbox;
  github.addToken(NAMESAKE);
  github.addToken({ ...JOB, repositories: [REPOSITORY], permissions: { checks: 'write' } });
  pull = await place.open(ENGINEER, { ...PULL_REQUEST, head: BRANCH });
});

afterAll(() => place[Symbol.asyncDispose]());

afterEach(async () => {
  await place.expectNothingReleased();
  place.expectNothingLeaked();
});

/** Makes a check that looks like a record of ours, with everything in it that a record has. */
async function forge(who: { readonly token: string }, state: 'intent' | 'done'): Promise<void> {
  const run = place.chain.stage.workflows.runs.find(({ event }) => event === 'pull_request');
  const plugins = JSON.parse(outputsOfStep(run, 'validate')['plugins'] ?? '[]') as Record<string, unknown>[];
  expect(plugins).toHaveLength(2);
  const record = {
    version: 1,
    state,
    pullRequest: pull.number,
    commit: pull.head.sha,
    by: ENGINEER.login,
    approvedBy: [OWNER.login],
    plugins,
    packages: [],
    at: new Date().toISOString(),
  };
  await place.as(who).send('POST', '/check-runs', {
    name: 'slipway / release',
    head_sha: pull.head.sha,
    external_id: `slipway-release/${pull.number}`,
    ...(state === 'done' ? { status: 'completed', conclusion: 'success' } : { status: 'in_progress' }),
    output: { title: 'Released', summary: 'All is well.', text: `\`\`\`json\n${JSON.stringify(record)}\n\`\`\`\n` },
  });
}

describe('a forged status comment', () => {
  it('is neither believed nor taken for ours', async () => {
    for (const who of [STRANGER, NAMESAKE, OTHER_APP]) await place.comment(who, pull.number, FORGED);
    const [status] = (await place.show(pull.number)).comments.filter(({ user }) => user.login === `${APP.slug}[bot]`);
    // Where ours is gone, the forged ones are the first that look like it.
    await place.as(MAINTAINER).send('DELETE', `/issues/comments/${status?.id}`);
    await place.as(ENGINEER).send('PATCH', `/pulls/${pull.number}`, { title: `${PULL_REQUEST.title}!` });
    await place.settle();
    const { comments, own, labels } = await place.show(pull.number);
    const forged = comments.filter(({ user }: Comment) => user.login !== `${APP.slug}[bot]`);
    expect(forged.map(({ body }) => body)).toEqual([FORGED, FORGED, FORGED]);
    expect(own.filter((body) => body.startsWith('<!-- slipway: status -->'))).toHaveLength(1);
    expect(own.at(-1)).toContain('### Not released yet');
    expect(labels).not.toContain('queue/done-package-uploaded');
  });
});

describe.each([
  ['another App', OTHER_APP],
  ['a job of some workflow', JOB],
])('a check run of our name by %s', (_, who) => {
  it('does not let anybody merge', async () => {
    await forge(who, 'done');
    await expect(place.as(OWNER).merge(pull.number)).rejects.toThrow('is expected');
    await expect(place.as(ENGINEER).merge(pull.number)).rejects.toThrow('is expected');
  });

  it('is no release that is done: a command is judged as ever', async () => {
    const run = await place.comment(ENGINEER, pull.number, COMMAND);
    expect(jobsOf(run)).toEqual(['release / command']);
    expect(outputsOfStep(run, 'command')['result']).toBe('refused');
    expect(outputsOfStep(run, 'command')['reason']).toContain('no approving review');
    expect(place.records()).toEqual([]);
  });

  it('is no release that was begun: a sweep starts nothing', async () => {
    await forge(who, 'intent');
    await place.chain.stage.workflows.tick(REPOSITORY);
    expect((await place.settle()).map(({ event }) => event)).toEqual(['schedule']);
  });
});

it('a forged record keeps nobody from releasing', async () => {
  await place.as(OWNER).send('POST', `/pulls/${pull.number}/reviews`, { event: 'APPROVE', commit_id: pull.head.sha });
  const { workflows } = place.chain.stage;
  workflows.setKiller({ atStep: (job) => job === 'release / images' });
  const run = await place.comment(ENGINEER, pull.number, PUSHED_COMMENT);
  workflows.setKiller(undefined);
  expect(outputsOfStep(run, 'command')['result']).toBe('release');
  expect(place.records(pull.head.sha)).toEqual(['failure']);
});

describe('what gets past the required check', () => {
  beforeAll(() => {
    const checks = [{ context: 'slipway / release', appId: APP.id }];
    place.chain.stage.sandbox.github.setProtection(REPOSITORY, 'main', { checks, bypass: [MAINTAINER.login] });
  });

  it('cannot be pushed to the base by those who may not bypass it', async () => {
    const files = { 'release-plugins/log-collector.yaml': pluginText('log-collector') };
    await expect(commitTo(place.as(ENGINEER), 'main', files)).rejects.toThrow('Required status check');
  });

  it('is reported on the pull request when it is merged with a forged check', async () => {
    await forge(JOB, 'done');
    await place.as(MAINTAINER).merge(pull.number);
    const run = (await place.settle()).find(({ event }) => event === 'push');
    expect([run?.conclusion, jobsOf(run)]).toEqual(['failure', [`release / ${MERGED}`]]);
    const said = (await place.show(pull.number)).own.at(-1);
    expect(said).toContain('What was merged is not what was released.');
    expect(said).toContain('release-plugins/log-collector.yaml');
    expect(said).toContain('release-plugins/edge-gateway.yaml');
  });

  it('is reported when it comes without a pull request', async () => {
    const text = pluginText('log-collector').replaceAll('v1.1.0', 'v1.2.0');
    await commitTo(place.as(MAINTAINER), 'main', { 'release-plugins/log-collector.yaml': text });
    const run = (await place.settle()).find(({ event }) => event === 'push');
    expect([run?.conclusion, jobsOf(run)]).toEqual(['failure', [`release / ${MERGED}`]]);
    expect(place.chain.lines.join('\n')).toContain('it came without a pull request');
  });
});
