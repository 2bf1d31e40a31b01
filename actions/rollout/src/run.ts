import { tmpdir } from 'node:os';
import type { Runtime } from '@slipway/core/action/action';
import { loadConfiguration } from '@slipway/core/action/configuration';
import { openRegistries, storageSide } from '@slipway/core/action/registry-access';
import { readBuiltImage, resolveTag } from '@slipway/core/kubernetes/built-image';
import { type Clock, systemClock } from '@slipway/core/kubernetes/clock';
import { Deadline } from '@slipway/core/kubernetes/deadline';
import { openKubeconfig, readKubeconfig } from '@slipway/core/kubernetes/kubeconfig';
import { Kubectl } from '@slipway/core/kubernetes/kubectl';
import type { Inputs } from './inputs.ts';
import type { Outputs } from './outputs.ts';
import { Rollout } from './rollout.ts';
import { readTarget } from './target.ts';

/** Restarts the deployment that serves a distribution, and proves that it runs what was built. */
export async function run(inputs: Inputs, runtime: Runtime, clock: Clock = systemClock): Promise<Outputs> {
  const given = inputs.kubeconfig === undefined ? undefined : await readKubeconfig(inputs.kubeconfig, runtime.mask);
  const configuration = await loadConfiguration(inputs.config, runtime.event, inputs.token);
  const target = readTarget(configuration, inputs.distribution);
  const { env } = runtime;
  const registries = await openRegistries(
    storageSide(configuration),
    [target.reference],
    inputs,
    configuration,
    runtime,
  );
  const kubeconfig = await openKubeconfig(given, env['RUNNER_TEMP'] || tmpdir());
  try {
    const kubectl = new Kubectl({
      env,
      namespace: target.namespace,
      kubeconfig: kubeconfig.path,
      cacheDirectory: kubeconfig.directory,
      deadline: new Deadline(clock, inputs.timeout),
    });
    runtime.log.info(`kubectl ${await kubectl.version()}`);
    const repository = registries.repository(target.reference);
    const digest = inputs.digest ?? (await resolveTag(repository, target.reference.tag));
    const image = await readBuiltImage(repository, digest);
    return await new Rollout({ inputs, runtime, clock, kubectl, repository, image, target }).run();
  } finally {
    await Promise.all([registries.close(), kubeconfig.close()]);
  }
}
