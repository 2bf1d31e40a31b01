import type { Package } from '@slipway/core/archive/package';
import type { Image } from '@slipway/core/image/image';
import type { Plugin } from '@slipway/core/plugin/plugin';
import { runJob } from '@slipway/sandbox/runner/run-job';
import { createAct, readOutput } from './act.ts';
import { BRANCH, ENGINEER, OWNER, PULL_REQUEST, PUSHED, PUSHED_COMMENT, RELEASE_TEAM, REPOSITORY } from './cast.ts';
import { type Comment, GitHubClient, type PullRequest } from './github-client.ts';
import type { Progress } from './progress.ts';
import type { Stage } from './stage.ts';

/** What the story leaves behind. */
export interface Outcome {
  readonly pullRequest: PullRequest;
  readonly packages: readonly Package[];
  readonly images: readonly Image[];
  readonly uploaded: number;
}

/** Plays a release: a pull request with two plugins, from its first check to the packages in the object store. */
export async function playRelease(stage: Stage, tree: string, output: string, progress: Progress): Promise<Outcome> {
  const engineer = new GitHubClient(`${stage.apiUrl}/repos/${REPOSITORY}`, ENGINEER.token);
  const owner = new GitHubClient(`${stage.apiUrl}/repos/${REPOSITORY}`, OWNER.token);
  const team = new GitHubClient(`${stage.apiUrl}/repos/${REPOSITORY}`, RELEASE_TEAM.token);
  const act = createAct(tree, stage.env, { config: stage.config }, progress);

  const pull = await progress.step('pull request', () => openPullRequest(engineer, progress));
  await progress.step('check', () => checkPullRequest(pull, stage, tree, progress));
  await progress.step('review', () => review(pull, engineer, owner, progress));
  const plugins = await progress.step('validate', async () => {
    const outputs = await act('validate-plugin', {
      'pull-request': String(pull.number),
      commit: pull.head.sha,
      images: PUSHED.join('\n'),
    });
    return readOutput<Plugin[]>(outputs, 'plugins');
  });

  const images: Image[] = [];
  const packages: Package[] = [];
  const comments: string[] = [];
  let uploaded = 0;
  for (const plugin of plugins) {
    const synced = await progress.step(`sync ${plugin.plugin}`, () =>
      act('sync-images', { images: JSON.stringify(plugin.images) }),
    );
    images.push(...readOutput<Image[]>(synced, 'images'));
    const bundled = await progress.step(`bundle ${plugin.plugin}`, () =>
      act('bundle-package', { plugin: JSON.stringify(plugin), images: synced['images'] ?? '', output }),
    );
    const shipped = await progress.step(`upload ${plugin.plugin}`, () =>
      act('upload-oss', { package: bundled['package'] ?? '' }),
    );
    packages.push(readOutput<Package>(shipped, 'package'));
    comments.push(shipped['uri'] ?? '');
    if (shipped['changed'] === 'true') uploaded += 1;
  }
  await progress.step('comment and label', () => announce(pull, comments, team, progress));
  return { pullRequest: pull, packages, images, uploaded };
}

async function openPullRequest(engineer: GitHubClient, progress: Progress): Promise<PullRequest> {
  const [owner = ''] = REPOSITORY.split('/');
  const [open] = await engineer.send<PullRequest[]>('GET', `/pulls?state=open&head=${owner}:${BRANCH}`);
  const pull =
    open ?? (await engineer.send<PullRequest>('POST', '/pulls', { ...PULL_REQUEST, head: BRANCH, base: 'main' }));
  progress.say(`#${pull.number} ${PULL_REQUEST.title}${open === undefined ? '' : ' (from the run before)'}`);
  return pull;
}

/** Runs the repository's own workflow for the pull request, as GitHub would. */
async function checkPullRequest(pull: PullRequest, stage: Stage, tree: string, progress: Progress): Promise<void> {
  const { result } = await runJob({
    workflow: stage.workflow,
    job: 'validate',
    actions: tree,
    github: {
      token: RELEASE_TEAM.token,
      repository: REPOSITORY,
      event_name: 'pull_request',
      event: { pull_request: await currentPullRequest(pull, stage), repository: { default_branch: 'main' } },
      sha: pull.head.sha,
      api_url: stage.apiUrl,
      server_url: stage.serverUrl,
    },
    onLine: (line) => progress.say(line),
  });
  if (result !== 'success') throw new Error(`The check of pull request #${pull.number} ended with '${result}'.`);
}

function currentPullRequest(pull: PullRequest, stage: Stage): Promise<PullRequest> {
  return new GitHubClient(`${stage.apiUrl}/repos/${REPOSITORY}`, RELEASE_TEAM.token).send(
    'GET',
    `/pulls/${pull.number}`,
  );
}

/** The owner approves, the engineer says what was pushed: the two things a release waits for. */
async function review(
  pull: PullRequest,
  engineer: GitHubClient,
  owner: GitHubClient,
  progress: Progress,
): Promise<void> {
  const comments = await engineer.send<Comment[]>('GET', `/issues/${pull.number}/comments`);
  if (comments.some(({ body }) => body === PUSHED_COMMENT))
    return progress.say('approved and pushed in the run before');
  await owner.send('POST', `/pulls/${pull.number}/reviews`, { event: 'APPROVE', commit_id: pull.head.sha });
  await engineer.send('POST', `/issues/${pull.number}/comments`, { body: PUSHED_COMMENT });
  progress.say(`${OWNER.login} approved, ${ENGINEER.login} pushed ${PUSHED.length} images`);
}

/** Says on the pull request where the packages are, once, and moves it out of the queue. */
async function announce(
  pull: PullRequest,
  uris: readonly string[],
  team: GitHubClient,
  progress: Progress,
): Promise<void> {
  const body = ['packages uploaded to', ...uris, '/queue done-package-uploaded'].join('\n');
  const comments = await team.send<Comment[]>('GET', `/issues/${pull.number}/comments`);
  const mine = comments.find((comment) => comment.user.login === RELEASE_TEAM.login);
  if (mine === undefined) await team.send('POST', `/issues/${pull.number}/comments`, { body });
  else if (mine.body !== body) await team.send('PATCH', `/issues/comments/${mine.id}`, { body });
  await team.send('PUT', `/issues/${pull.number}/labels`, { labels: ['kind/release', 'queue/done-package-uploaded'] });
  for (const line of body.split('\n')) progress.say(line);
}
