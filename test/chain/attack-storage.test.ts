import { commitFiles } from '@slipway/sandbox/github/seed';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { APP, ENGINEER, MAINTAINER, STORAGE, STRANGER } from '../../scripts/demo/cast.ts';
import type { PullRequest } from '../../scripts/demo/github-client.ts';
import { AttackPlace, jobsOf, STORAGE_FORK } from './attack-place.ts';
import { commitTo } from './attack-push.ts';
import { stealingWorkflow } from './attack-workflow.ts';

let place: AttackPlace;
let production: string;

const MANIFEST = 'packages/nginx/1.0.0/manifest.yml';
const WORKFLOW = '.github/workflows/distribution.yml';
const EVERYTHING = '[push, pull_request, pull_request_target, issue_comment]';

beforeAll(async () => {
  place = await AttackPlace.open();
  const { github } = place.chain.stage.sandbox;
  // Who writes there is nobody's administrator.
  await github.addRepository(STORAGE, { collaborators: { [ENGINEER.login]: 'write' } });
  const [storage, fork] = [place.repository(STORAGE), place.repository(STORAGE_FORK)];
  const content = 'format_version: 1.0.0\nname: nginx\ntitle: Nginx\nversion: 1.0.0\ntype: integration\n';
  production = await commitFiles(storage.record.path, 'production', { [MANIFEST]: content }, { message: 'Add nginx' });
  await fork.git.fetchCommit(storage.git, production);
  await fork.git.setRef('refs/heads/production', production);
});

afterAll(() => place[Symbol.asyncDispose]());

afterEach(async () => {
  await place.expectNothingReleased();
  place.expectNothingLeaked();
  expect(await place.repository(STORAGE).git.branch('production')).toBe(production);
});

async function open(who: { readonly token: string }, head: string, title: string) {
  const before = place.chain.lines.length;
  const body = { title, body: '', head, base: 'production' };
  const pull = await place.as(who, STORAGE).send<PullRequest>('POST', '/pulls', body);
  const runs = await place.chain.chain.settle(['pull request', 'stealing']);
  return { pull, runs, lines: place.chain.lines.slice(before) };
}

/** The verdicts of our App on a commit, the newest last. */
const verdicts = (sha: string) =>
  place
    .repository(STORAGE)
    .record.checkRuns.filter(
      ({ app, headSha, name }) => app === APP.slug && headSha === sha && name === 'slipway / gate',
    );

async function expectUnmergeable({ number, head }: PullRequest): Promise<void> {
  expect(verdicts(head.sha).at(-1)?.conclusion).toBe('failure');
  for (const who of [ENGINEER, MAINTAINER]) {
    await expect(place.as(who, STORAGE).merge(number)).rejects.toThrow('is failing');
  }
}

it('keeps a fork from removing a package from production', async () => {
  await place.pushToFork('gone', { 'packages/nginx': null }, STORAGE_FORK, 'production');
  const { pull, runs } = await open(STRANGER, `${STRANGER.login}:gone`, '[production] Remove nginx-1.0.0');
  expect(runs.map((run) => [run.event, jobsOf(run)])).toEqual([['pull_request_target', ['gate / gate']]]);
  expect(verdicts(pull.head.sha).at(-1)?.output.summary).toContain('nginx-1.0.0` must not be removed');
  await expectUnmergeable(pull);
});

it('gives a fork that changes the workflow neither secrets nor a verdict of its own', async () => {
  const files = { 'packages/nginx': null, [WORKFLOW]: stealingWorkflow(EVERYTHING) };
  await place.pushToFork('steal', files, STORAGE_FORK, 'production');
  const { pull, runs, lines } = await open(STRANGER, `${STRANGER.login}:steal`, '[production] Remove nginx-1.0.0');
  expect(runs.map((run) => [run.event, run.name])).toEqual(
    expect.arrayContaining([
      ['pull_request', 'stealing'],
      ['pull_request_target', 'pull request'],
    ]),
  );
  expect(runs).toHaveLength(2);
  expect(lines.filter((line) => line.startsWith('got='))).toEqual(['got=[]']);
  expect(new Set(lines.filter((line) => line.startsWith('status')))).toEqual(new Set(['status 403']));
  await expectUnmergeable(pull);
});

it('shows whose names a fork has chosen as text', async () => {
  const name = '$(id)`<img src=x>@everybody';
  const files = {
    [`packages/${name}/1.0.0/manifest.yml`]: `name: x\n`,
    'packages/x\n::error::y/1.0.0/manifest.yml': 'x',
  };
  await place.pushToFork('names', files, STORAGE_FORK, 'production');
  const { pull } = await open(STRANGER, `${STRANGER.login}:names`, '[production] ${{ secrets.KUBECONFIG }} $(id)');
  const summary = verdicts(pull.head.sha).at(-1)?.output.summary ?? '';
  // What stands in code is shown as it is.
  expect(summary.replaceAll(/(?<!\\)`[^`\n]*`/g, '')).not.toMatch(/<img|@everybody|^::/m);
  await expectUnmergeable(pull);
});

it('judges a writer’s change of the workflow of production', async () => {
  const client = place.as(ENGINEER, STORAGE);
  await commitTo(
    client,
    'harmless',
    { [WORKFLOW]: stealingWorkflow('{ push: { branches: [production] } }') },
    'production',
  );
  const { pull, lines } = await open(ENGINEER, 'harmless', '[production] Tidy up');
  expect(lines.filter((line) => line.startsWith('got='))).toEqual([]);
  await expectUnmergeable(pull);
});
