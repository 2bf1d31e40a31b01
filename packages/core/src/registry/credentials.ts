import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, messageOf } from '../errors.ts';
import { isRecord } from '../util/record.ts';

/** What opens a registry: a user's name and password, or docker's identity token. */
export type Credential = { readonly username: string; readonly password: string } | { readonly identityToken: string };

/**
 * Credentials by registry name. A name matches only when it is equal, port and all: a part of a name, or a name that
 * begins alike, is somebody else's host.
 */
export class CredentialStore {
  readonly #byName: ReadonlyMap<string, Credential>;

  constructor(byName: Iterable<readonly [string, Credential]> = []) {
    this.#byName = new Map([...byName].map(([name, credential]) => [normalizeName(name), credential]));
  }

  find(registry: string): Credential | undefined {
    return this.#byName.get(normalizeName(registry));
  }

  /** Returns a store in which `credential` opens `registries`, whatever was known for them. */
  with(registries: Iterable<string>, credential: Credential): CredentialStore {
    return new CredentialStore([...this.#byName, ...[...registries].map((name) => [name, credential] as const)]);
  }

  /** Returns every secret text in the store, for masking; a password also in the form in which it is sent. */
  secrets(): string[] {
    return [...this.#byName.values()].flatMap((credential) =>
      'identityToken' in credential ? [credential.identityToken] : [credential.password, encodeBasic(credential)],
    );
  }
}

/** Returns a name and a password as HTTP's basic scheme sends them; RFC 7617. */
export function encodeBasic({ username, password }: { readonly username: string; readonly password: string }): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/**
 * Returns the name that a key of docker's configuration stands for. Old keys are addresses, with a scheme and the path of
 * the interface; any other path is a namespace of podman's, which is not the whole registry.
 */
function normalizeName(name: string): string {
  const host = name
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/(v[12]\/?)?$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/**
 * Reads docker's configuration, `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`; an absent file is an empty one.
 *
 * https://docs.docker.com/reference/cli/docker/login/#credential-stores
 */
export async function loadDockerCredentials(env: NodeJS.ProcessEnv = process.env): Promise<CredentialStore> {
  const path = join(env['DOCKER_CONFIG'] || join(homedir(), '.docker'), 'config.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return new CredentialStore();
  }
  return parseDockerConfig(text, path);
}

/** Returns the credentials in a docker configuration; throws a ConfigurationError that names the file and the entry. */
export function parseDockerConfig(text: string, path: string): CredentialStore {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    // Not the parser's own message: it quotes the text, and the text holds passwords.
    const place = /at position (\d+)/.exec(messageOf(error))?.[1];
    throw new ConfigurationError(
      'invalid-docker-config',
      `${path} is no JSON${place === undefined ? '' : ` (at character ${place})`}. Mend it, or log in again with docker login.`,
    );
  }
  const auths = isRecord(config) && isRecord(config['auths']) ? config['auths'] : {};
  const entries: [string, Credential][] = [];
  for (const [name, entry] of Object.entries(auths)) {
    const credential = isRecord(entry) ? readEntry(entry) : undefined;
    if (credential !== undefined) entries.push([name, credential]);
  }
  return new CredentialStore(entries);
}

function readEntry(entry: Record<string, unknown>): Credential | undefined {
  const text = (name: string): string | undefined => {
    const value = entry[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const identityToken = text('identitytoken');
  if (identityToken !== undefined) return { identityToken };
  const decoded = Buffer.from(text('auth') ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon > 0) return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  const username = text('username');
  const password = text('password');
  return username !== undefined && password !== undefined ? { username, password } : undefined;
}
