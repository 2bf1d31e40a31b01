import { type Digest, isDigest } from '../image/digest.ts';
import { type JsonObject, listField, numberField, objectField, textField } from './field.ts';

/** What the API says about a pod; https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/. */
export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  readonly terminating: boolean;
  readonly ready: boolean;
  /** Why no node takes it; undefined when one does, or nobody has looked for one yet. */
  readonly unschedulable: string | undefined;
  /** Those that prepare the pod first, then those that run in it. */
  readonly containers: readonly ContainerState[];
}

export interface ContainerState {
  readonly name: string;
  /** Of the image that runs; undefined until it is pulled. */
  readonly digest: Digest | undefined;
  readonly restarts: number;
  readonly running: boolean;
  /** Why it does not run yet, or not any more. */
  readonly waiting: { readonly reason: string; readonly message: string } | undefined;
  /** How it ended last, when it ever did. */
  readonly ended: { readonly reason: string; readonly exitCode: number } | undefined;
}

export function readPod(value: JsonObject): Pod {
  const metadata = objectField(value, 'metadata');
  const status = objectField(value, 'status');
  const condition = (type: string): JsonObject =>
    listField(status, 'conditions').find((candidate) => candidate['type'] === type) ?? {};
  const scheduled = condition('PodScheduled');
  return {
    name: textField(metadata, 'name'),
    uid: textField(metadata, 'uid'),
    phase: textField(status, 'phase'),
    terminating: 'deletionTimestamp' in metadata,
    ready: condition('Ready')['status'] === 'True',
    unschedulable:
      scheduled['status'] === 'False' && scheduled['reason'] === 'Unschedulable'
        ? textField(scheduled, 'message')
        : undefined,
    containers: [...listField(status, 'initContainerStatuses'), ...listField(status, 'containerStatuses')].map(
      readContainer,
    ),
  };
}

function readContainer(status: JsonObject): ContainerState {
  const state = objectField(status, 'state');
  const waiting = objectField(state, 'waiting');
  const ended =
    'terminated' in state ? objectField(state, 'terminated') : objectField(status, 'lastState', 'terminated');
  return {
    name: textField(status, 'name'),
    digest: digestOfImageId(textField(status, 'imageID')),
    restarts: numberField(status, 'restartCount'),
    running: 'running' in state,
    waiting:
      'waiting' in state ? { reason: textField(waiting, 'reason'), message: textField(waiting, 'message') } : undefined,
    ended:
      'exitCode' in ended
        ? { reason: textField(ended, 'reason'), exitCode: numberField(ended, 'exitCode') }
        : undefined,
  };
}

/**
 * Returns the digest in an image id. Runtimes write `<repository>@sha256:…`, older ones with `docker-pullable://` before
 * it; an image without a repository is known by the digest of its configuration alone, `sha256:…`.
 */
export function digestOfImageId(imageId: string): Digest | undefined {
  const digest = imageId.slice(imageId.lastIndexOf('@') + 1).replace(/^[a-z-]+:\/\//, '');
  return isDigest(digest) ? digest : undefined;
}
