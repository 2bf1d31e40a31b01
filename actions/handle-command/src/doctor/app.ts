import { openGitHub } from '@slipway/core/action/github-access';
import { type Diagnosis, failed, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';
import { findSecret } from './secrets.ts';

const CHECK = 'GitHub App';

const RELEASE = { contents: 'read', pull_requests: 'write', issues: 'write', checks: 'write' } as const;
const STORAGE = { contents: 'write', pull_requests: 'write', checks: 'write' } as const;

const CURE = "Make a GitHub App, install it on both repositories, and give 'app-id' and the secret 'app-private-key'.";

/**
 * Looks whether there is an App. Where its key is given, which a job that holds other secrets can do without, also whether
 * it is installed here with what the workflows ask for; its token is not used.
 */
export async function checkApp({ inputs, runtime, repository, isRelease, isStorage }: Examined): Promise<Diagnosis[]> {
  const { 'app-id': id, 'app-private-key': key } = inputs;
  const hasKey = key !== undefined || findSecret(inputs, 'app-private-key') === true;
  if (id === undefined && !hasKey) {
    const found =
      'There is none: what the workflows push and open starts no other workflow, and they reach no other repository. ' +
      'The chain works inside this repository, and only where each part is dispatched.';
    return [ill(CHECK, 'warning', found, CURE)];
  }
  if (id === undefined || !hasKey) {
    const found = `Its ${id === undefined ? 'private key is there, and its id' : 'id is there, and its private key'} is not.`;
    return [ill(CHECK, 'error', found, CURE)];
  }
  if (key === undefined) return [fine(CHECK, `${id}, with a key; that it is installed here shows its first use`)];
  try {
    const permissions = { contents: 'read', ...(isRelease && RELEASE), ...(isStorage && STORAGE) } as const;
    const { login } = await openGitHub(repository, permissions, inputs, runtime);
    return [fine(CHECK, `${login ?? id} is installed here, with what the workflows need`)];
  } catch (error) {
    return [failed(CHECK, 'error', error)];
  }
}
