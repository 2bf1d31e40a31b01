import type { Runtime } from '@slipway/core/action/action';
import { ActionError, messageOf } from '@slipway/core/errors';
import { shortDigest } from '@slipway/core/image/digest';
import type { BuiltImage } from '@slipway/core/kubernetes/built-image';
import type { Clock } from '@slipway/core/kubernetes/clock';
import { Deadline } from '@slipway/core/kubernetes/deadline';
import type { Kubectl } from '@slipway/core/kubernetes/kubectl';
import { awaitWorkload, restart, undo } from '@slipway/core/kubernetes/restart';
import { planRollout, type RolloutPlan } from '@slipway/core/kubernetes/rollout-plan';
import { awaitServed } from '@slipway/core/kubernetes/served-packages';
import { type RolloutEnd, watchRollout } from '@slipway/core/kubernetes/watch-rollout';
import type { Workload } from '@slipway/core/kubernetes/workload';
import type { Repository } from '@slipway/core/registry/repository';
import type { Inputs } from './inputs.ts';
import type { Outputs, PrintedPlan, RolloutResult } from './outputs.ts';
import { reportFailure, reportResult } from './report.ts';
import type { Target } from './target.ts';

export interface RolloutOptions {
  readonly inputs: Inputs;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly kubectl: Kubectl;
  readonly repository: Repository;
  readonly image: BuiltImage;
  readonly target: Target;
}

/** One rollout: plan, restart, watch, ask the registry; and back when that is wanted and necessary. */
export class Rollout {
  readonly #options: RolloutOptions;
  readonly #started: number;
  readonly #deadline: Deadline;
  #plan: PrintedPlan;
  #changed = false;

  constructor(options: RolloutOptions) {
    const { clock, inputs, target, image } = options;
    this.#options = options;
    this.#started = clock.now();
    this.#deadline = new Deadline(clock, inputs.timeout);
    const { distribution, namespace, deployment } = target;
    this.#plan = { distribution: distribution.name, namespace, deployment, digest: image.digest };
  }

  /** Throws a ConfigurationError for what the user can mend; every other failure is a result, with its reason. */
  async run(): Promise<Outputs> {
    const { inputs, runtime, clock, image } = this.#options;
    const result = await this.#try();
    const seconds = Math.round((clock.now() - this.#started) / 100) / 10;
    const plan = this.#plan;
    reportResult(runtime, { ...result, plan, seconds, dryRun: inputs['dry-run'] });
    if (result.result === 'failed')
      runtime.fail('rollout-failed', `The rollout of ${plan.distribution} failed: ${result.reason}`);
    return { ...result, digest: image.digest, seconds, plan };
  }

  async #try(): Promise<RolloutResult> {
    const { kubectl, target, image, repository, inputs, runtime } = this.#options;
    const { log } = runtime;
    try {
      const before = await awaitWorkload(kubectl, target.deployment, { deadline: this.#deadline, log });
      const plan = await this.#deadline.limit('asking the registry for the image', inputs.timeout, () =>
        planRollout({ workload: before, image, repository, reference: target.reference }),
      );
      this.#plan = { ...this.#plan, ...plan };
      this.#warnOfPolicy(before, plan);
      const describe = plan.action === 'restart' ? 'to be restarted' : `${plan.action}: ${plan.reason}`;
      log.info(`${target.namespace}/${plan.deployment}, ${shortDigest(plan.digest)}: ${describe}`);
      return inputs['dry-run'] ? foresee(plan) : await this.#apply(before, plan);
    } catch (error) {
      if (!(error instanceof ActionError)) throw error;
      return { result: 'failed', reason: error.message, changed: this.#changed };
    }
  }

  /** With another policy a node that has seen the tag before does not look where it points to now. */
  #warnOfPolicy({ deployment }: Workload, plan: RolloutPlan): void {
    const container = deployment.containers.find(({ name }) => name === plan.container);
    if (container === undefined || container.pullPolicy === 'Always' || plan.image.includes('@')) return;
    this.#options.runtime.log.warning(
      `${plan.deployment} pulls ${plan.image} with imagePullPolicy ${container.pullPolicy}: nodes that have it keep the ` +
        'old one although the tag has moved. Set imagePullPolicy to Always.',
    );
  }

  async #apply(before: Workload, plan: RolloutPlan): Promise<RolloutResult> {
    if (plan.action === 'superseded') return { result: 'superseded', reason: plan.reason, changed: false };
    const changed = plan.action === 'restart';
    if (changed) {
      const { kubectl, runtime } = this.#options;
      await restart({ kubectl, before: before.deployment, deadline: this.#deadline, log: runtime.log });
      this.#changed = true;
      const end = await this.#watch(before, plan);
      if (end.result === 'superseded') return { result: 'superseded', reason: end.reason, changed };
      if (end.result === 'failed') return { result: 'failed', reason: await this.#fail(before, plan, end), changed };
      this.#options.runtime.log.info(`Every new pod is ready and runs ${plan.digest}`);
    }
    const missing = await this.#ask();
    if (missing !== undefined) return { result: 'failed', reason: missing, changed };
    return { result: changed ? 'rolled-out' : 'unchanged', reason: '', changed };
  }

  #watch(before: Workload, plan: RolloutPlan): Promise<RolloutEnd> {
    const { kubectl, image, repository, target, runtime } = this.#options;
    const hasMoved = async (): Promise<boolean> => {
      const head = await repository.head(target.reference.tag);
      return head !== undefined && !image.known.has(head.digest);
    };
    const { deployment, container } = plan;
    const after = before.deployment.revision;
    const { log } = runtime;
    return watchRollout({ kubectl, deployment, container, image, after, hasMoved, deadline: this.#deadline, log });
  }

  /** Shows what can be known about the failure, takes it back when that was asked for, and returns the reason. */
  async #fail(before: Workload, plan: RolloutPlan, end: RolloutEnd & { result: 'failed' }): Promise<string> {
    const { kubectl, inputs, runtime } = this.#options;
    const { reason, detail, pod } = end.symptom;
    await reportFailure(runtime, kubectl, end.symptom, inputs['log-lines']);
    const said = `${pod === undefined ? '' : `${pod.name}: `}${reason}: ${detail}`;
    return inputs.undo ? `${said} ${await this.#undo(before, plan, end.revision)}` : said;
  }

  async #undo(before: Workload, plan: RolloutPlan, failed: number | undefined): Promise<string> {
    const { kubectl, clock, inputs, runtime } = this.#options;
    const { deployment } = before;
    const { log } = runtime;
    log.info(`Going back to revision ${deployment.revision}`);
    try {
      const deadline = new Deadline(clock, inputs.timeout);
      const end = await undo({ kubectl, before: deployment, failed, container: plan.container, deadline, log });
      if (end === undefined) return 'There was nothing to undo: the newest revision is not the one that failed.';
      if (end.result === 'failed') {
        return `Undone, but revision ${deployment.revision} fails as well: ${end.symptom.reason}: ${end.symptom.detail}`;
      }
      if (end.result === 'superseded') return `Undone, and superseded: ${end.reason}`;
      const runs = end.running.map(shortDigest).join(', ');
      return `Undone: revision ${deployment.revision} is up again and runs ${runs || 'an unknown image'}.`;
    } catch (error) {
      return `It could not be undone: ${messageOf(error)}`;
    }
  }

  /** Asks the registry itself, when it is known where it answers. */
  async #ask(): Promise<string | undefined> {
    const { target, inputs, clock, runtime } = this.#options;
    const { url, cache, name } = target.distribution;
    const { expect = [] } = inputs;
    if (url === undefined) {
      if (expect.length > 0) {
        const setting = `storage.distributions.${name}.url`;
        runtime.log.warning(`${setting} is not configured: nobody can be asked for the expected packages.`);
      }
      return undefined;
    }
    const missing = await awaitServed({ url, expect, cache, clock, log: runtime.log });
    if (missing === undefined) runtime.log.info(`${url} is healthy and serves what is expected (${expect.length})`);
    return missing;
  }
}

function foresee({ action, reason }: RolloutPlan): RolloutResult {
  return { result: action === 'restart' ? '' : action, reason: action === 'superseded' ? reason : '', changed: false };
}
