import { ActionError } from '../errors.ts';
import { type JsonObject, listField, numberField, objectField, textField } from './field.ts';
import type { Kubectl } from './kubectl.ts';
import { type Pod, readPod } from './pod.ts';

/** A container as the template of a deployment's pods has it. */
export interface TemplateContainer {
  readonly name: string;
  readonly image: string;
  readonly pullPolicy: string;
  /** Whether a probe says when it is ready; without one, whatever has been started counts as ready. */
  readonly probed: boolean;
}

/** What the API says about a deployment; https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/deployment-v1/. */
export interface Deployment {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly revision: number;
  readonly replicas: number;
  /** Pods there are, of all replica sets. */
  readonly total: number;
  readonly updated: number;
  readonly available: number;
  readonly paused: boolean;
  /** Label selector of its pods, as kubectl takes it. */
  readonly selector: string;
  readonly containers: readonly TemplateContainer[];
  /** When kubectl last restarted it, as the template of its pods says; empty when never. */
  readonly restartedAt: string;
  readonly conditions: readonly Condition[];
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** A deployment and the pods of its newest replica set; those that are going away are left out. */
export interface Workload {
  readonly deployment: Deployment;
  readonly pods: readonly Pod[];
}

const REVISION = 'deployment.kubernetes.io/revision';

/** https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-k8s-io-restart-at */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

/** Reads a deployment and its newest pods; throws a KubectlError or, for what is no deployment, an ActionError. */
export async function readWorkload(kubectl: Kubectl, name: string): Promise<Workload> {
  const deployment = readDeployment(await kubectl.get('deployment', name), name);
  const objects = listField(objectField(await kubectl.list(['replicasets', 'pods'], deployment.selector)), 'items');
  const sets = objects.filter((object) => object['kind'] === 'ReplicaSet' && isOwnedBy(object, deployment.uid));
  const newest = sets.find((set) => revisionOf(set) === deployment.revision);
  const uid = textField(objectField(newest, 'metadata'), 'uid');
  const pods = objects
    .filter((object) => object['kind'] === 'Pod' && uid !== '' && isOwnedBy(object, uid))
    .map(readPod)
    // A pod that was evicted or deleted stays listed for a while; another one takes its place.
    .filter((pod) => !pod.terminating && pod.phase !== 'Failed' && pod.phase !== 'Succeeded');
  return { deployment, pods };
}

function readDeployment(value: unknown, name: string): Deployment {
  const metadata = objectField(value, 'metadata');
  const spec = objectField(value, 'spec');
  const status = objectField(value, 'status');
  const selector = formatSelector(objectField(spec, 'selector'));
  const containers = listField(objectField(spec, 'template', 'spec'), 'containers');
  if (textField(metadata, 'uid') === '' || selector === '' || containers.length === 0) {
    throw new ActionError('kubectl-answer', `kubectl's answer for the deployment ${name} is no deployment.`);
  }
  return {
    name,
    uid: textField(metadata, 'uid'),
    generation: numberField(metadata, 'generation'),
    observedGeneration: numberField(status, 'observedGeneration'),
    revision: revisionOf(objectField(value)),
    replicas: numberField(spec, 'replicas', 1),
    total: numberField(status, 'replicas'),
    updated: numberField(status, 'updatedReplicas'),
    available: numberField(status, 'availableReplicas'),
    paused: spec['paused'] === true,
    selector,
    containers: containers.map((container) => ({
      name: textField(container, 'name'),
      image: textField(container, 'image'),
      pullPolicy: textField(container, 'imagePullPolicy'),
      probed: 'readinessProbe' in container,
    })),
    restartedAt: textField(objectField(spec, 'template', 'metadata', 'annotations'), RESTARTED_AT),
    conditions: readConditions(status),
  };
}

function readConditions(status: JsonObject): Condition[] {
  return listField(status, 'conditions').map((condition) => ({
    type: textField(condition, 'type'),
    status: textField(condition, 'status'),
    reason: textField(condition, 'reason'),
    message: textField(condition, 'message'),
  }));
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors */
function formatSelector(selector: JsonObject): string {
  const labels = Object.entries(objectField(selector, 'matchLabels')).map(([key, value]) => `${key}=${String(value)}`);
  const expressions = listField(selector, 'matchExpressions').map((expression) => {
    const key = textField(expression, 'key');
    const operator = textField(expression, 'operator');
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    const { values } = expression;
    return `${key} ${operator === 'NotIn' ? 'notin' : 'in'} (${Array.isArray(values) ? values.join(',') : ''})`;
  });
  return [...labels, ...expressions].join(',');
}

function revisionOf(object: JsonObject): number {
  return Number(textField(objectField(object, 'metadata', 'annotations'), REVISION)) || 0;
}

function isOwnedBy(object: JsonObject, uid: string): boolean {
  return listField(objectField(object, 'metadata'), 'ownerReferences').some((owner) => owner['uid'] === uid);
}
