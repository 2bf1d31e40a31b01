import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import type { RegistrySettings } from '../configuration/configuration.ts';
import { CONFIGURATION_FILE } from '../configuration/configuration.ts';
import { ConfigurationError, messageOf } from '../errors.ts';

/** Where a registry's name is really served, and how. */
export interface Endpoint {
  /** The name in references. */
  readonly name: string;
  readonly origin: URL;
  /** PEM certificates to trust; undefined trusts the system's. */
  readonly ca: readonly string[] | undefined;
  /** Hosts that may be asked for tokens, and may therefore see the credentials. */
  readonly tokenHosts: ReadonlySet<string>;
}

/** Registries whose token service has another name, as they document it. */
const TOKEN_HOSTS: Readonly<Record<string, string>> = {
  'docker.io': 'auth.docker.io',
  'registry.gitlab.com': 'gitlab.com',
};

/**
 * Returns where `name` is served: `https://<name>` unless the configuration says otherwise.
 *
 * Throws a ConfigurationError for plain http that was not allowed: it would show the credentials to everyone on the way.
 */
export function resolveEndpoint(name: string, settings: RegistrySettings = {}): Endpoint {
  const plain = settings['plain-http'] ?? false;
  const host = name === 'docker.io' ? 'registry-1.docker.io' : name;
  const origin = new URL(settings.endpoint ?? `${plain ? 'http' : 'https'}://${host}`);
  if (origin.protocol === 'http:' && !plain) {
    throw new ConfigurationError(
      'plain-http',
      `The registry ${name} is configured with the endpoint ${origin.origin}, which is not encrypted. ` +
        `If that is meant, say so in ${CONFIGURATION_FILE}:\n\nregistries:\n  ${name}:\n    plain-http: true\n`,
    );
  }
  const tokenHosts = [name, origin.host, settings['token-host'] ?? TOKEN_HOSTS[name]];
  return {
    name,
    origin,
    ca: settings.ca === undefined ? undefined : [...getCACertificates(), readCertificates(name, settings.ca)],
    tokenHosts: new Set(tokenHosts.filter((tokenHost) => tokenHost !== undefined)),
  };
}

function readCertificates(name: string, ca: string): string {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new ConfigurationError('invalid-ca', `registries.${name}.ca: ${problem}`, { cause });
  };
  if (isPem(ca)) return ca;
  let text = '';
  try {
    text = readFileSync(ca, 'utf8');
  } catch (error) {
    refuse(`cannot read ${ca}: ${messageOf(error)}`, error);
  }
  return isPem(text) ? text : refuse(`${ca} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).`);
}

function isPem(text: string): boolean {
  return text.includes('-----BEGIN CERTIFICATE-----');
}
