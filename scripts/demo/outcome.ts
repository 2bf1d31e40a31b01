import type { Package } from '@slipway/core/archive/package';
import type { Image } from '@slipway/core/image/image';
import type { ServiceRun } from '@slipway/sandbox/actions-service/options';
import { stepsOf } from './chain.ts';

/** What the story leaves behind. */
export interface Outcome {
  readonly packages: (Package & { readonly uri: string })[];
  readonly images: Image[];
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

export function emptyOutcome(): Outcome {
  return {
    packages: [],
    images: [],
    registered: [],
    promotions: [],
    distributions: [],
    rollouts: [],
    registryPullRequests: [],
  };
}

type Outputs = Readonly<Record<string, string>>;

/** Adds what the actions in some runs say that they did. */
export function gather(outcome: Outcome, runs: readonly ServiceRun[]): void {
  for (const { id, outputs } of stepsOf(runs)) {
    if (id === 'sync') outcome.images.push(...read<Image[]>(outputs, 'images'));
    if (id === 'upload') outcome.packages.push(read<Outcome['packages'][number]>(outputs, 'package'));
    if (id === 'build') outcome.distributions.push(describeBuild(outputs));
    if (id === 'update')
      outcome.registryPullRequests.push(...read<Outcome['registryPullRequests']>(outputs, 'pull-requests'));
    if (id === 'register') outcome.registered.push(...describeRegistered(outputs));
  }
  for (const { results } of runs) {
    for (const { name, steps } of results) {
      const [, distribution] = /roll out (\S+)$/.exec(name) ?? [];
      const outputs = steps.find(({ id }) => id === 'rollout')?.outputs;
      if (distribution !== undefined && outputs !== undefined) {
        outcome.rollouts.push(describeRollout(distribution, outputs));
      }
    }
  }
}

function describeBuild(outputs: Outputs): Outcome['distributions'][number] {
  const plan = read<{ distribution: string; layers: unknown[]; pushed: number; reused: number }>(outputs, 'plan');
  return {
    distribution: plan.distribution,
    commit: outputs['commit'] ?? '',
    image: outputs['image'] ?? '',
    digest: outputs['digest'] ?? '',
    layers: plan.layers.length,
    pushedBytes: plan.pushed,
    reusedBytes: plan.reused,
    result: outputs['result'] ?? '',
  };
}

function describeRegistered(outputs: Outputs): Outcome['registered'] {
  const commit = outputs['commit'] ?? '';
  return read<{ name: string; version: string; tree: string }[]>(outputs, 'registered').map(
    ({ name, version, tree }) => ({ package: name, version, tree, commit }),
  );
}

function describeRollout(distribution: string, outputs: Outputs): Outcome['rollouts'][number] {
  return {
    distribution,
    digest: outputs['digest'] ?? '',
    result: outputs['result'] ?? '',
    seconds: Number(outputs['seconds'] ?? 0),
    reason: outputs['reason'] ?? '',
  };
}

/** Reads an output that holds JSON. */
function read<T>(outputs: Outputs, name: string): T {
  const text = outputs[name] ?? '';
  if (text === '') throw new Error(`an action left no output '${name}'`);
  return JSON.parse(text) as T;
}
