import type { Inputs } from '../inputs.ts';
import { type Diagnosis, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';

interface Secret {
  /** As the reusable workflows name it. */
  readonly name: string;
  readonly missing: 'error' | 'warning';
  readonly consequence: string;
}

const DOCKER = "only docker's configuration on the runner can open the registry.";

const RELEASE: readonly Secret[] = [
  { name: 'source-password', missing: 'warning', consequence: DOCKER },
  { name: 'target-password', missing: 'warning', consequence: DOCKER },
  { name: 'oss-access-key-id', missing: 'error', consequence: 'no package can be uploaded.' },
  { name: 'oss-access-key-secret', missing: 'error', consequence: 'no package can be uploaded.' },
];

const STORAGE: readonly Secret[] = [
  { name: 'target-password', missing: 'warning', consequence: DOCKER },
  { name: 'kubeconfig', missing: 'error', consequence: 'no distribution can be rolled out.' },
];

/** Looks which secrets the workflow has. Their values are never given to this action. */
export function checkSecrets({ inputs, isRelease, isStorage }: Examined): Diagnosis[] {
  const { secrets } = inputs;
  if (secrets === undefined) {
    const cure = "Give input 'secrets', a JSON object from the name of each secret to whether it is there.";
    return [ill('secrets', 'unknown', 'Nobody says which secrets there are.', cure)];
  }
  const wanted = [...(isRelease ? RELEASE : []), ...(isStorage ? STORAGE : [])];
  const once = wanted.filter(({ name }, index) => wanted.findIndex((other) => other.name === name) === index);
  return once.map(({ name, missing, consequence }) => {
    const check = `secret ${name}`;
    const isThere = findSecret(inputs, name);
    if (isThere === true) return fine(check, 'there');
    const cure = `Add the secret in the settings of the repository, and hand it to the workflow as '${name}'.`;
    if (isThere === false) return ill(check, missing, `not there: ${consequence}`, cure);
    return ill(check, 'unknown', "not among those in input 'secrets'", cure);
  });
}

/**
 * Says whether the workflow has a secret; undefined when it does not say. Secrets of a repository are written in capitals
 * with underscores, those of a reusable workflow like its inputs.
 */
export function findSecret({ secrets = {} }: Inputs, name: string): boolean | undefined {
  return Object.entries(secrets).find(([given]) => given.toLowerCase().replaceAll('_', '-') === name)?.[1];
}
