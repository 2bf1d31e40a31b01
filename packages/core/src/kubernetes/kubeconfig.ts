import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigurationError, systemCodeOf } from '../errors.ts';
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

/** What a user has given: a file on the runner, or the text of one. */
export type Kubeconfig = { readonly path: string } | { readonly content: string };

/**
 * Finds out what a user has given: the path of a kubeconfig, or its content as YAML, as JSON, or as either in base64.
 *
 * Whatever is no path may be a secret that was only written wrong: it is masked before anything is done with it, and no
 * message quotes it. Throws a ConfigurationError for what is neither.
 */
export async function readKubeconfig(given: string, mask: (secret: string) => void): Promise<Kubeconfig> {
  if (await exists(given)) {
    await checkReadable(given);
    return { path: resolve(given) };
  }
  mask(given);
  for (const content of [given, decodeBase64(given)]) {
    const value = content === undefined ? undefined : parseKubeconfig(content);
    if (content === undefined || value === undefined) continue;
    if (content !== given) mask(content);
    for (const secret of secretsOf(value)) mask(secret);
    return { content };
  }
  throw new ConfigurationError(
    'invalid-kubeconfig',
    "input 'kubeconfig' is neither the path of a file on this runner nor the content of a kubeconfig: YAML or JSON, " +
      'as it is or in base64.',
  );
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // What lies in a directory that may not be searched is a path all the same.
    return systemCodeOf(error) === 'EACCES';
  }
}

async function checkReadable(path: string): Promise<void> {
  const refuse = (why: string): never => {
    throw new ConfigurationError('missing-kubeconfig', `input 'kubeconfig' is a path that cannot be read: ${why}.`);
  };
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    refuse(systemCodeOf(error) ?? 'access is denied');
  }
  if ((await stat(path)).isDirectory()) refuse('it is a directory');
}

/** Returns the text behind base64, which tools wrap at 64 or 76 characters; undefined for what is none. */
function decodeBase64(text: string): string | undefined {
  const whole = text.replace(/\s+/g, '');
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(whole) ? Buffer.from(whole, 'base64').toString('utf8') : undefined;
}

/** https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
function parseKubeconfig(content: string): object | undefined {
  try {
    const { value } = parseYaml(content);
    return typeof value === 'object' && value !== null && 'clusters' in value ? value : undefined;
  } catch {
    // The parser quotes what it stumbles over, and that may be a secret.
    return undefined;
  }
}

/** Returns the values in a kubeconfig that must never be seen. */
function secretsOf(kubeconfig: object): string[] {
  return Object.entries(kubeconfig).flatMap(([name, inner]: [string, unknown]) => {
    if (typeof inner === 'object' && inner !== null) return secretsOf(inner);
    return typeof inner === 'string' && inner !== '' && SECRETS.has(name) ? [inner] : [];
  });
}

/**
 * Makes a kubeconfig usable: a content goes into a file that only its owner can read, below `temporary`, which is made
 * when it is not there, and is removed by `close`.
 */
export async function openKubeconfig(
  kubeconfig: Kubeconfig | undefined,
  temporary: string = tmpdir(),
): Promise<OpenKubeconfig> {
  await mkdir(temporary, { recursive: true });
  const directory = await mkdtemp(join(temporary, 'slipway-kubernetes-'));
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true });
  if (kubeconfig === undefined) return { path: undefined, directory, close };
  if ('path' in kubeconfig) return { path: kubeconfig.path, directory, close };
  const path = join(directory, 'kubeconfig');
  try {
    await writeFile(path, kubeconfig.content, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    await close();
    throw error;
  }
  return { path, directory, close };
}
