import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads the login for the sandbox's registries out of docker's configuration in `directory`. */
export function readCredentials(directory: string): { username: string; password: string } {
  const { auths } = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as {
    auths: Record<string, { auth: string }>;
  };
  const decoded = Buffer.from(auths['cargo.example.com']?.auth ?? '', 'base64').toString('utf8');
  const [username = '', password = ''] = decoded.split(':');
  return { username, password };
}
