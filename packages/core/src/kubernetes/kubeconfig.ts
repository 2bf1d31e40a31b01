import { constants } from 'node:fs';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigurationError, messageOf } from '../errors.ts';
import { parseYaml } from '../util/yaml-document.ts';

/** The names of the values in a kubeconfig that open a cluster. */
const SECRETS = new Set([
  'token',
  'password',
  'client-key-data',
  'access-token',
  'refresh-token',
  'id-token',
  'client-secret',
]);

/** Where kubectl finds its cluster, while an action runs. */
export interface OpenKubeconfig {
  /** Undefined leaves it to kubectl: `$KUBECONFIG`, else `~/.kube/config`. */
  readonly path: string | undefined;
  /** A directory that only this run reads and writes. */
  readonly directory: string;
  /** Removes what was written. */
  close(): Promise<void>;
}

/** Says whether a text is the content of a kubeconfig rather than the path of one. */
export function isKubeconfigContent(text: string): boolean {
  return text.includes('\n') || text.startsWith('{') || /^apiVersion:/.test(text);
}

/** Returns the values in a kubeconfig's content that must never be seen; throws a ConfigurationError when it is none. */
export function secretsOf(content: string): string[] {
  let value: unknown;
  try {
    ({ value } = parseYaml(content));
  } catch (error) {
    // The parser quotes what it stumbles over, and that may be a secret.
    throw new ConfigurationError('invalid-kubeconfig', "input 'kubeconfig' is neither a path nor YAML.", {
      cause: error,
    });
  }
  const secrets: string[] = [];
  const collect = (at: unknown): void => {
    if (typeof at !== 'object' || at === null) return;
    for (const [name, inner] of Object.entries(at)) {
      if (typeof inner !== 'string') collect(inner);
      else if (SECRETS.has(name) && inner !== '') secrets.push(inner);
    }
  };
  collect(value);
  return secrets;
}

/**
 * Makes a kubeconfig usable: a content goes into a file that only its owner can read, below `temporary`, and is removed
 * by `close`. Throws a ConfigurationError for a path that cannot be read.
 */
export async function openKubeconfig(given: string | undefined, temporary: string = tmpdir()): Promise<OpenKubeconfig> {
  const isPath = given !== undefined && !isKubeconfigContent(given);
  if (isPath) await checkReadable(given);
  const directory = await mkdtemp(join(temporary, 'slipway-kubernetes-'));
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true });
  if (given === undefined || isPath)
    return { path: given === undefined ? undefined : resolve(given), directory, close };
  const path = join(directory, 'kubeconfig');
  try {
    await writeFile(path, given, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    await close();
    throw error;
  }
  return { path, directory, close };
}

async function checkReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw new ConfigurationError(
      'missing-kubeconfig',
      `input 'kubeconfig': cannot read ${path}: ${messageOf(error)}.`,
      {
        cause: error,
      },
    );
  }
}
