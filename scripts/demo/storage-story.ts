import type { Sandbox } from '@slipway/sandbox/sandbox';
import { DISTRIBUTIONS, MAINTAINER, NEXT_REGISTRY, STORAGE } from './cast.ts';
import type { Chain } from './chain.ts';
import { deploymentOf, NAMESPACE } from './cluster-stage.ts';
import { GitHubClient, type PullRequest } from './github-client.ts';
import { gather, type Outcome } from './outcome.ts';
import type { Progress } from './progress.ts';
import type { Stage } from './stage.ts';

interface Scene {
  readonly sandbox: Sandbox;
  readonly chain: Chain;
  readonly progress: Progress;
  readonly outcome: Outcome;
  readonly maintainer: GitHubClient;
}

/** Sets the scene of the second half: what the maintainer of the storage repository can do from the Actions page. */
export function openStorageScene(stage: Stage, chain: Chain, outcome: Outcome, progress: Progress): Scene {
  const { sandbox } = stage;
  const maintainer = new GitHubClient(`${sandbox.github.apiUrl}/repos/${STORAGE}`, MAINTAINER.token);
  return { sandbox, chain, progress, outcome, maintainer };
}

/** Rolls every distribution out by hand: the first time to get them going, later to see that nothing is to be done. */
export async function rollOutAll({ chain, progress, outcome, maintainer }: Scene): Promise<void> {
  for (const distribution of DISTRIBUTIONS) {
    await progress.step(`${MAINTAINER.login} dispatches: roll out ${distribution}`, async () => {
      await maintainer.dispatch('roll-out.yml', { distribution });
      gather(outcome, await chain.settle());
    });
  }
}

/** Plays the way of the released packages from snapshot to production, and what can go wrong on it. */
export async function playPromotions(scene: Scene): Promise<void> {
  const packages = scene.outcome.registered.map((entry) => `${entry.package}-${entry.version}`);
  await promote(scene, 'snapshot', 'staging', packages);
  await promote(scene, 'staging', 'production', packages);
}

/** A pull request by dispatch; merged, the push builds and rolls out; then the removal, which is merged too. */
async function promote(scene: Scene, from: string, to: string, packages: string[]): Promise<void> {
  const { chain, progress, outcome, maintainer } = scene;
  const pull = await progress.step(`${MAINTAINER.login} dispatches: promote from ${from} to ${to}`, async () => {
    await maintainer.dispatch('promote.yml', { packages: packages.join('\n'), from, to });
    await chain.settle();
    const opened = await findPullRequest(maintainer, to);
    if (opened === undefined) throw new Error(`no pull request to ${to} was opened`);
    progress.say(`#${opened.number} ${opened.title}`);
    return opened;
  });
  await progress.step(`#${pull.number} is merged: ${to} is built and rolled out, and what contains it`, async () => {
    await maintainer.merge(pull.number);
    gather(outcome, await chain.settle());
  });
  const removal = await findPullRequest(maintainer, from);
  if (removal === undefined) throw new Error(`no pull request removes from ${from}`);
  await progress.step(`#${removal.number} ${removal.title}: merged`, async () => {
    await maintainer.merge(removal.number);
    gather(outcome, await chain.settle());
  });
  outcome.promotions.push({ from, to, packages, pullRequest: pull.number, removalPullRequest: removal.number });
}

export async function updateRegistry({ chain, progress, outcome, maintainer }: Scene): Promise<void> {
  await progress.step(`${MAINTAINER.login} dispatches: update registry to ${NEXT_REGISTRY}`, async () => {
    await maintainer.dispatch('update-registry.yml', { version: NEXT_REGISTRY });
    gather(outcome, await chain.settle());
    for (const { distribution, number } of outcome.registryPullRequests) progress.say(`#${number} for ${distribution}`);
  });
}

/** Tells that a promotion that was made already opens nothing. */
export async function promoteAgain({ chain, progress, maintainer }: Scene): Promise<void> {
  await progress.step(`${MAINTAINER.login} dispatches: promote from snapshot to staging, once more`, async () => {
    await maintainer.dispatch('promote.yml', { packages: 'all', from: 'snapshot', to: 'staging', 'dry-run': 'true' });
    await chain.settle();
  });
}

/** A new image whose pods crash: the rollout says so within seconds, and why. Then the package is taken back. */
export async function crash(scene: Scene): Promise<void> {
  const { sandbox, maintainer, progress, chain, outcome } = scene;
  const path = 'packages/broken_metrics/0.1.0/manifest.yml';
  const log = ['loading packages', 'panic: broken_metrics-0.1.0: no format_version'];
  await progress.step('a package that breaks the registry is committed to snapshot', async () => {
    sandbox.cluster.behave(NAMESPACE, deploymentOf('snapshot'), { kind: 'crash-loop', exitCode: 2, log });
    await commitFile(maintainer, `Add ${path}`, { path, content: 'name: broken_metrics\nversion: 0.1.0\n' });
    gather(outcome, await chain.settle(['distribution']));
    const failed = outcome.rollouts.at(-1);
    progress.say(failed?.reason.split('\n')[0] ?? '');
  });
  await progress.step('the package is taken back', async () => {
    sandbox.cluster.behave(NAMESPACE, deploymentOf('snapshot'), { kind: 'run' });
    await commitFile(maintainer, `Remove ${path}`, { path, sha: null });
    gather(outcome, await chain.settle());
  });
}

async function findPullRequest(client: GitHubClient, base: string): Promise<PullRequest | undefined> {
  const [newest] = await client.send<PullRequest[]>('GET', `/pulls?state=open&base=${base}`);
  return newest;
}

/** Commits one file to snapshot, or its removal, as somebody may who has the right to. */
async function commitFile(client: GitHubClient, what: string, entry: object): Promise<void> {
  const { object } = await client.send<{ object: { sha: string } }>('GET', '/git/ref/heads/snapshot');
  const { tree } = await client.send<{ tree: { sha: string } }>('GET', `/git/commits/${object.sha}`);
  const made = await client.send<{ sha: string }>('POST', '/git/trees', {
    base_tree: tree.sha,
    tree: [{ mode: '100644', type: 'blob', ...entry }],
  });
  const message = `[snapshot] ${what}`;
  const commit = await client.send<{ sha: string }>('POST', '/git/commits', {
    message,
    tree: made.sha,
    parents: [object.sha],
  });
  await client.send('PATCH', '/git/refs/heads/snapshot', { sha: commit.sha });
}
