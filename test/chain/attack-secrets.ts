import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from '@slipway/sandbox/sandbox';

interface Known {
  /** Where the stage keeps its files; the App's key is one of them. */
  readonly state: string;
  readonly username: string;
  readonly password: string;
}

/** Shorter texts are found everywhere. */
const SHORTEST = 16;

/**
 * Returns everything that must not be read anywhere: what the stage was given, and every token that was ever shown to one
 * of its servers, whoever minted it.
 */
export function findSecrets(sandbox: Sandbox, { state, username, password }: Known): readonly string[] {
  const { environment, github, source, target, oss } = sandbox;
  const lines = readFileSync(join(state, 'app.pem'), 'utf8').split('\n');
  const given = [
    password,
    Buffer.from(`${username}:${password}`).toString('base64'),
    environment['OSS_ACCESS_KEY_ID'] ?? '',
    environment['OSS_ACCESS_KEY_SECRET'] ?? '',
    readFileSync(environment['KUBECONFIG'] ?? '').toString('base64'),
    ...lines.filter((line) => !line.startsWith('-----')),
  ];
  const shown = [github, source, target, oss].flatMap(({ requests }) =>
    requests.flatMap(({ headers: { authorization = '' } }) => secretsOf(authorization)),
  );
  return [...new Set([...given, ...shown])].filter((secret) => secret.length >= SHORTEST);
}

/** What a header proves its sender by, also as it is when it is written out. */
function secretsOf(authorization: string): string[] {
  const [, scheme = '', value = ''] = /^(\S+)\s+(\S+)$/.exec(authorization) ?? [];
  if (!/^basic$/i.test(scheme)) return [value];
  return [value, Buffer.from(value, 'base64').toString('utf8').split(':').slice(1).join(':')];
}
