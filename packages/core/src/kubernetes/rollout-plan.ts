import { ConfigurationError } from '../errors.ts';
import type { Digest } from '../image/digest.ts';
import { formatReference, parseReference, type Reference } from '../image/reference.ts';
import type { Repository } from '../registry/repository.ts';
import type { BuiltImage } from './built-image.ts';
import { isComplete } from './watch-rollout.ts';
import type { TemplateContainer, Workload } from './workload.ts';

/** What a rollout would do; a plain value that can be printed. */
export interface RolloutPlan {
  readonly deployment: string;
  readonly container: string;
  /** As the deployment names it. */
  readonly image: string;
  /** What shall run. */
  readonly digest: Digest;
  /** What runs now. */
  readonly running: readonly Digest[];
  readonly action: 'restart' | 'unchanged' | 'superseded';
  /** Why nothing is done. */
  readonly reason: string;
}

export interface RolloutPlanOptions {
  readonly workload: Workload;
  readonly image: BuiltImage;
  readonly repository: Repository;
  /** The repository of the distributions' images and the moving tag of this one. */
  readonly reference: Reference & { readonly tag: string };
}

/**
 * Decides whether a deployment has to be restarted. Throws a ConfigurationError when a restart would not bring what was
 * built: it is paused, scaled to zero, or runs another image.
 */
export async function planRollout(options: RolloutPlanOptions): Promise<RolloutPlan> {
  const { workload, image } = options;
  const { deployment, pods } = workload;
  const container = findContainer(workload, options.reference);
  const running = pods.map(({ containers }) => containers.find(({ name }) => name === container.name)?.digest);
  const plan = {
    deployment: deployment.name,
    container: container.name,
    image: container.image,
    digest: image.digest,
    running: [...new Set(running.filter((digest) => digest !== undefined))],
  };
  checkRunnable(workload);
  if (isComplete(deployment, pods) && running.every((digest) => digest !== undefined && image.known.has(digest))) {
    return { ...plan, action: 'unchanged', reason: 'every pod runs it already' };
  }
  const next = await resolveImage(container, options);
  if (image.known.has(next)) return { ...plan, action: 'restart', reason: '' };
  if (parseReference(container.image).tag === options.reference.tag) {
    return { ...plan, action: 'superseded', reason: `${container.image} has moved on to ${next}` };
  }
  throw new ConfigurationError(
    'other-image',
    `The deployment ${deployment.name} runs ${container.image}, which is ${next}: a restart would not bring ` +
      `${image.digest}. Set its image to ${formatReference(options.reference)}.`,
  );
}

function findContainer({ deployment }: Workload, { registry, repository }: Reference): TemplateContainer {
  const found = deployment.containers.find(({ image }) => {
    const reference = tryReference(image);
    return reference?.registry === registry && reference.repository === repository;
  });
  if (found !== undefined) return found;
  throw new ConfigurationError(
    'other-image',
    `The deployment ${deployment.name} has no container that runs ${registry}/${repository} (storage.image), but ` +
      `${deployment.containers.map(({ image }) => image).join(', ')}. Correct the configuration or the deployment.`,
  );
}

/** What runs beside the registry may have a name that no registry would take. */
function tryReference(image: string): Reference | undefined {
  try {
    return parseReference(image);
  } catch {
    return undefined;
  }
}

function checkRunnable({ deployment: { name, paused, replicas } }: Workload): void {
  if (paused) {
    throw new ConfigurationError(
      'paused-deployment',
      `The deployment ${name} is paused. Somebody may have a reason; else: kubectl rollout resume deployment ${name}`,
    );
  }
  if (replicas === 0) {
    throw new ConfigurationError(
      'no-replicas',
      `The deployment ${name} is scaled to zero: nothing would run, so nothing could be proved. ` +
        `Scale it up first: kubectl scale deployment ${name} --replicas=2`,
    );
  }
}

/** Returns the digest that a node would pull now. */
async function resolveImage(container: TemplateContainer, { repository }: RolloutPlanOptions): Promise<Digest> {
  const { digest, tag = 'latest' } = parseReference(container.image);
  const found = digest ?? (await repository.head(tag))?.digest;
  if (found !== undefined) return found;
  throw new ConfigurationError(
    'other-image',
    `The container ${container.name} runs ${container.image}, which does not exist. Correct the deployment's image.`,
  );
}
