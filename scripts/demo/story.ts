import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ServiceRun } from '@slipway/sandbox/actions-service/options';
import { connectAliOss } from '@slipway/sandbox/oss/ali-oss-client';
import {
  BRANCH,
  ENGINEER,
  MAINTAINER,
  OWNER,
  PULL_REQUEST,
  PUSHED,
  PUSHED_COMMENT,
  REPOSITORY,
  STRANGER,
} from './cast.ts';
import type { Chain } from './chain.ts';
import { type Comment, GitHubClient, type PullRequest } from './github-client.ts';
import { gather, type Outcome } from './outcome.ts';
import type { Progress } from './progress.ts';
import type { Stage } from './stage.ts';

interface Scene {
  readonly chain: Chain;
  readonly progress: Progress;
  readonly outcome: Outcome;
  readonly as: (person: { readonly token: string }) => GitHubClient;
}

/**
 * Plays a release: from a pull request with two plugins to the packages in the object store, and on to the storage
 * repository. Nobody calls an action: people write, GitHub starts workflows.
 */
export async function playRelease(
  stage: Stage,
  chain: Chain,
  outcome: Outcome,
  progress: Progress,
): Promise<PullRequest> {
  const api = `${stage.sandbox.github.apiUrl}/repos/${REPOSITORY}`;
  const scene: Scene = { chain, progress, outcome, as: ({ token }) => new GitHubClient(api, token) };
  const pull = await openPullRequest(scene);
  await refuseStranger(scene, pull);
  const released = await release(scene, pull);
  await runAgain(scene, released);
  await progress.step('only what was released can be merged', async () => {
    await scene.as(OWNER).merge(pull.number);
    progress.say(`#${pull.number} merged by ${OWNER.login}`);
    await chain.settle();
  });
  return pull;
}

function openPullRequest({ progress, chain, as }: Scene): Promise<PullRequest> {
  return progress.step(`${ENGINEER.login} opens a pull request`, async () => {
    const pull = await as(ENGINEER).send<PullRequest>('POST', '/pulls', {
      ...PULL_REQUEST,
      head: BRANCH,
      base: 'main',
    });
    progress.say(`#${pull.number} ${pull.title}`);
    await chain.settle();
    return pull;
  });
}

/** Somebody without authority asks for the release: nothing happens but an answer. */
async function refuseStranger({ progress, chain, as }: Scene, { number }: PullRequest): Promise<void> {
  await progress.step(`${STRANGER.login}, a stranger, asks for the release`, async () => {
    await as(STRANGER).comment(number, '/queue working-image-pushed');
    await chain.settle(['release']);
    const answer = await lastAnswer(as(MAINTAINER), number);
    progress.say(`answered: ${answer.split('\n').find((line) => line.includes(STRANGER.login)) ?? answer}`);
  });
}

/** The owner approves and the engineer says what was pushed: that is all that a release takes. */
async function release({ progress, chain, as, outcome }: Scene, { number, head }: PullRequest): Promise<ServiceRun> {
  return progress.step(`${OWNER.login} approves; ${ENGINEER.login} comments /queue working-image-pushed`, async () => {
    await as(OWNER).send('POST', `/pulls/${number}/reviews`, { event: 'APPROVE', commit_id: head.sha });
    await as(ENGINEER).comment(number, PUSHED_COMMENT);
    progress.say(`${PUSHED.length} images pushed to the source registry`);
    const runs = await chain.settle();
    gather(outcome, runs);
    const uploaded = (await lastAnswer(as(MAINTAINER), number)).split('\n').filter((line) => line.startsWith('oss://'));
    for (const line of uploaded) progress.say(line);
    const run = runs.find(({ name, event }) => name === 'release' && event === 'issue_comment');
    if (run === undefined) throw new Error('the comment started no release');
    return run;
  });
}

/** A re-run from the Actions page: everything is there already, and nothing is done twice. */
async function runAgain({ progress, chain, as }: Scene, { id }: ServiceRun): Promise<void> {
  await progress.step(`${MAINTAINER.login} runs it again from the Actions page`, async () => {
    await as(MAINTAINER).send('POST', `/actions/runs/${id}/rerun`);
    const [run] = await chain.settle();
    const done = run?.results.filter(({ result }) => result === 'success').map(({ name }) => name) ?? [];
    progress.say(`only '${done.join("', '")}' had something to look at`);
  });
}

/** Returns the last comment of the chain that is an answer, and not the status that it edits in place. */
async function lastAnswer(client: GitHubClient, number: number): Promise<string> {
  const comments = await client.send<Comment[]>('GET', `/issues/${number}/comments`);
  const own = comments.filter(
    ({ user, body }) => user.login.endsWith('[bot]') && !body.startsWith('<!-- slipway: status'),
  );
  return own.at(-1)?.body ?? '';
}

/** Fetches the packages as a field engineer does, into `output`, and returns where they are. */
export async function download(stage: Stage, outcome: Outcome, output: string): Promise<string[]> {
  const { oss } = stage.sandbox.configuration;
  const { environment } = stage.sandbox;
  await mkdir(output, { recursive: true });
  const files: string[] = [];
  for (const { uri } of outcome.packages) {
    const [, bucket = '', key = ''] = /^oss:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    const client = connectAliOss({
      accessKeyId: environment['OSS_ACCESS_KEY_ID'] ?? '',
      accessKeySecret: environment['OSS_ACCESS_KEY_SECRET'] ?? '',
      region: oss.region,
      endpoint: oss.endpoint,
      bucket,
      authorizationV4: true,
    });
    for (const name of [key, `${key}.sha256`]) {
      const file = join(output, basename(name));
      const { content } = await client.get(name);
      await writeFile(file, content);
      files.push(file);
    }
  }
  return files;
}
