import type { Package } from '@slipway/core/archive/package';
import { formatBytes } from '@slipway/core/util/units';
import { type Act, createAct, readOutput } from './act.ts';
import { DISTRIBUTIONS, NEXT_REGISTRY, RELEASE_TEAM, REPOSITORY, STORAGE } from './cast.ts';
import { GitHubClient } from './github-client.ts';
import type { Progress } from './progress.ts';
import type { Stage } from './stage.ts';
import { deploy, deploymentOf, NAMESPACE, type StorageStage } from './storage-stage.ts';

export interface PackageVersion {
  readonly name: string;
  readonly version: string;
  readonly tree: string;
}

/** What the second half leaves behind; the shapes are those of `summary.json`. */
export interface StorageOutcome {
  readonly registered: { package: string; version: string; tree: string; commit: string }[];
  readonly promotions: {
    from: string;
    to: string;
    packages: string[];
    pullRequest: number;
    removalPullRequest: number;
  }[];
  readonly distributions: {
    distribution: string;
    commit: string;
    image: string;
    digest: string;
    layers: number;
    pushedBytes: number;
    reusedBytes: number;
    result: string;
  }[];
  readonly rollouts: { distribution: string; digest: string; result: string; seconds: number; reason: string }[];
  readonly registryPullRequests: { distribution: string; number: number }[];
}

interface Scene {
  readonly stage: StorageStage;
  readonly act: Act;
  readonly team: GitHubClient;
  readonly progress: Progress;
  readonly outcome: StorageOutcome;
}

/** Plays the way of the released packages from snapshot to production, and what can go wrong on it. */
export async function playStorage(
  stage: Stage,
  storage: StorageStage,
  packages: readonly Package[],
  tree: string,
  progress: Progress,
  again: boolean,
): Promise<StorageOutcome> {
  const outcome: StorageOutcome = {
    registered: [],
    promotions: [],
    distributions: [],
    rollouts: [],
    registryPullRequests: [],
  };
  const scene: Scene = {
    stage: storage,
    act: createAct(tree, storage.env, { config: storage.config }, progress),
    team: new GitHubClient(`${stage.apiUrl}/repos/${STORAGE}`, RELEASE_TEAM.token),
    progress,
    outcome,
  };
  for (const distribution of DISTRIBUTIONS) {
    await build(scene, distribution);
    deploy(storage.cluster, distribution);
    await rollOut(scene, distribution, []);
  }
  const registered = await register(scene, stage, packages, tree);
  await release(scene, 'snapshot', registered);
  // Played again, the packages are in production already.
  if (!again) {
    await promote(scene, 'snapshot', 'staging', registered);
    await promote(scene, 'staging', 'production', registered);
  }
  await updateRegistry(scene);
  if (!again) await crash(scene);
  return outcome;
}

/** The released packages enter the first distribution, from the release repository's side of the chain. */
async function register(
  { progress, outcome, stage: { config } }: Scene,
  stage: Stage,
  packages: readonly Package[],
  tree: string,
): Promise<readonly PackageVersion[]> {
  return progress.step('register in snapshot', async () => {
    const act = createAct(tree, { ...stage.env, GITHUB_REPOSITORY: REPOSITORY }, { config }, progress);
    const outputs = await act('register-package', { packages: JSON.stringify(packages), repository: STORAGE });
    const registered = readOutput<PackageVersion[]>(outputs, 'registered');
    for (const { name, version, tree: id } of registered) {
      outcome.registered.push({ package: name, version, tree: id, commit: outputs['commit'] ?? '' });
    }
    return registered;
  });
}

/** Builds and rolls out a distribution, then each that contains it. */
async function release(scene: Scene, distribution: string, expect: readonly PackageVersion[]): Promise<void> {
  const stale = await build(scene, distribution);
  await rollOut(scene, distribution, expect);
  for (const downstream of stale) {
    await build(scene, downstream);
    await rollOut(scene, downstream, expect);
  }
}

async function build({ act, progress, outcome }: Scene, distribution: string): Promise<readonly string[]> {
  return progress.step(`build ${distribution}`, async () => {
    const outputs = await act('build-distribution', { distribution, checks: 'off' });
    const plan = readOutput<{ layers: unknown[]; pushed: number; reused: number }>(outputs, 'plan');
    outcome.distributions.push({
      distribution,
      commit: outputs['commit'] ?? '',
      image: outputs['image'] ?? '',
      digest: outputs['digest'] ?? '',
      layers: plan.layers.length,
      pushedBytes: plan.pushed,
      reusedBytes: plan.reused,
      result: outputs['result'] ?? '',
    });
    progress.say(`${formatBytes(plan.pushed)} pushed, ${formatBytes(plan.reused)} reused`);
    return readOutput<string[]>(outputs, 'stale');
  });
}

async function rollOut(
  { act, stage, progress, outcome }: Scene,
  distribution: string,
  expect: readonly PackageVersion[],
  mayFail = false,
): Promise<void> {
  await progress.step(`roll out ${distribution}`, async () => {
    // What the cluster pulls is what its package registry serves.
    await stage.served[distribution]?.load(distribution);
    const wanted = expect.map(({ name, version }) => ({ name, version }));
    const inputs = { distribution, timeout: '60s', expect: JSON.stringify(wanted) };
    const { exitCode, outputs, log } = await act.attempt('rollout', inputs);
    if (exitCode !== 0 && !mayFail) throw new Error(`rollout failed:\n${log}`);
    outcome.rollouts.push({
      distribution,
      digest: outputs['digest'] ?? '',
      result: outputs['result'] ?? '',
      seconds: Number(outputs['seconds'] ?? 0),
      reason: outputs['reason'] ?? '',
    });
  });
}

/** Adds to the next distribution, releases that, and only then removes from the one before. */
async function promote(scene: Scene, from: string, to: string, versions: readonly PackageVersion[]): Promise<void> {
  const { act, progress, team, outcome } = scene;
  const packages = versions.map(({ name, version }) => `${name}-${version}`);
  const pullRequest = await progress.step(`promote to ${to}`, async () => {
    const outputs = await act('promote-package', { mode: 'add', from, to, packages: packages.join('\n') });
    return merge(outputs['pull-request'], team, progress);
  });
  await release(scene, to, versions);
  const removalPullRequest = await progress.step(`remove from ${from}`, async () => {
    const outputs = await act('promote-package', { mode: 'remove', from, to });
    return merge(outputs['pull-request'], team, progress);
  });
  outcome.promotions.push({ from, to, packages, pullRequest, removalPullRequest });
  if (removalPullRequest > 0) await release(scene, from, versions);
}

/** Merges a pull request as a maintainer would; 0 when there was nothing to do. */
async function merge(number: string | undefined, team: GitHubClient, progress: Progress): Promise<number> {
  if (number === undefined || number === '') {
    progress.say('nothing to do');
    return 0;
  }
  const { title } = await team.send<{ title: string }>('GET', `/pulls/${number}`);
  await team.send('PUT', `/pulls/${number}/merge`, { merge_method: 'squash', commit_title: title });
  progress.say(`#${number} ${title}: merged`);
  return Number(number);
}

async function updateRegistry({ act, progress, outcome }: Scene): Promise<void> {
  await progress.step('update the package registry', async () => {
    const outputs = await act('update-registry', { version: NEXT_REGISTRY });
    const opened = readOutput<{ distribution: string; number: number }[]>(outputs, 'pull-requests');
    for (const { distribution, number } of opened) outcome.registryPullRequests.push({ distribution, number });
  });
}

/** A new image whose pods crash: the rollout says so within seconds, and why. Then the package is taken back. */
async function crash(scene: Scene): Promise<void> {
  const { stage, team, progress } = scene;
  const path = 'packages/broken_metrics/0.1.0/manifest.yml';
  await progress.step('a package that breaks the registry', () =>
    commitFile(team, `Add ${path}`, { path, content: 'name: broken_metrics\nversion: 0.1.0\n' }, progress),
  );
  await build(scene, 'snapshot');
  const log = ['loading packages', 'panic: broken_metrics-0.1.0: no format_version'];
  stage.cluster.behave(NAMESPACE, deploymentOf('snapshot'), { kind: 'crash-loop', exitCode: 2, log });
  await rollOut(scene, 'snapshot', [], true);
  stage.cluster.behave(NAMESPACE, deploymentOf('snapshot'), { kind: 'run' });
  await progress.step('the package is taken back', () =>
    commitFile(team, `Remove ${path}`, { path, sha: null }, progress),
  );
  await build(scene, 'snapshot');
  await rollOut(scene, 'snapshot', []);
}

/** Commits one file to snapshot, or its removal, as somebody may who has the right to. */
async function commitFile(team: GitHubClient, what: string, entry: object, progress: Progress): Promise<void> {
  const { object } = await team.send<{ object: { sha: string } }>('GET', '/git/ref/heads/snapshot');
  const { tree } = await team.send<{ tree: { sha: string } }>('GET', `/git/commits/${object.sha}`);
  const made = await team.send<{ sha: string }>('POST', '/git/trees', {
    base_tree: tree.sha,
    tree: [{ mode: '100644', type: 'blob', ...entry }],
  });
  const message = `[snapshot] ${what}`;
  const commit = await team.send<{ sha: string }>('POST', '/git/commits', {
    message,
    tree: made.sha,
    parents: [object.sha],
  });
  await team.send('PATCH', '/git/refs/heads/snapshot', { sha: commit.sha });
  progress.say(message);
}
