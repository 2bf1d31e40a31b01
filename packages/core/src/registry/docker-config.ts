import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, messageOf } from '../errors.ts';
import { isRecord } from '../util/record.ts';
import { HelperPrograms } from './credential-helper.ts';
import { type Credential, CredentialStore } from './credentials.ts';

export interface DockerConfigOptions {
  /** Where programs are looked for, and what they see. */
  readonly env?: NodeJS.ProcessEnv;
  /** Told of every secret that a program tells, before it is used. */
  readonly mask?: (secret: string) => void;
  /** What else one can do than `docker login`. */
  readonly advice?: string;
}

/**
 * Reads docker's configuration, `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`; an absent file is an empty one.
 *
 * https://docs.docker.com/reference/cli/docker/login/#credential-stores
 */
export async function loadDockerCredentials(options: DockerConfigOptions = {}): Promise<CredentialStore> {
  const { env = process.env } = options;
  const path = join(env['DOCKER_CONFIG'] || join(homedir(), '.docker'), 'config.json');
  let text = '{}';
  try {
    text = await readFile(path, 'utf8');
  } catch {
    // Nobody has logged in on this machine.
  }
  return parseDockerConfig(text, path, options);
}

/** Returns the credentials in a docker configuration; throws a ConfigurationError that names the file and the entry. */
export function parseDockerConfig(text: string, path: string, options: DockerConfigOptions = {}): CredentialStore {
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
  const { auths, credHelpers, credsStore } = isRecord(config) ? config : {};
  const entries: [string, Credential][] = [];
  for (const [name, entry] of Object.entries(isRecord(auths) ? auths : {})) {
    const credential = isRecord(entry) ? readEntry(entry) : undefined;
    if (credential !== undefined) entries.push([name, credential]);
  }
  const { env = process.env, mask = () => undefined, advice } = options;
  const helpers = Object.entries(isRecord(credHelpers) ? credHelpers : {});
  return new CredentialStore(entries, {
    origin: path,
    ...(advice !== undefined && { advice }),
    programs: new HelperPrograms({
      byName: helpers.flatMap(([name, helper]) => (typeof helper === 'string' ? [[name, helper] as const] : [])),
      fallback: typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
      path,
      env,
      mask,
    }),
  });
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
