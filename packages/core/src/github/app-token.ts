import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { ConfigurationError, messageOf } from '../errors.ts';
import { connectGitHub, type GitHub, type GitHubOptions } from './connect.ts';
import { GitHubError } from './github-error.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** A GitHub App, as which the chain goes on where a job's own token would start nothing. */
export interface GitHubApp {
  /** The App's id, or its client id. */
  readonly id: string;
  /** PEM, as GitHub hands it out. */
  readonly privateKey: string;
}

/** What a token may do, by GitHub's names: `{ contents: 'write', pull_requests: 'write' }`. */
export type AppPermissions = Readonly<Record<string, 'read' | 'write'>>;

/** A token that was minted for one repository, and who acts with it. */
export interface InstallationToken {
  readonly token: string;
  /** The App's user, `<slug>[bot]`. */
  readonly login: string;
}

type Server = Omit<GitHubOptions, 'token'>;

/** Clocks differ; GitHub advises a minute. */
const SKEW_SECONDS = 60;
/** GitHub allows ten minutes from its own clock. */
const LIFE_SECONDS = 8 * 60;

/**
 * Mints a token for one repository that can do `permissions` and no more; it lives for an hour at the most.
 *
 * Throws a ConfigurationError when the key is none, or the App is not installed on the repository or lacks a permission.
 * https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
 */
export async function mintInstallationToken(
  server: Server,
  app: GitHubApp,
  repository: string,
  permissions: AppPermissions,
): Promise<InstallationToken> {
  const github = connectGitHub({ ...server, token: signAppToken(app, Math.floor(Date.now() / 1000)) });
  const what = `a token of the GitHub App ${app.id} for ${repository}`;
  const purpose = { what, permission: 'metadata: read' };
  const read = new AnswerReader(what);
  try {
    const own = read.object(await github.get('/app', {}, purpose), 'app');
    const installation = read.object(
      await github.get('/repos/{owner}/{repo}/installation', splitRepository(repository), purpose),
      'installation',
    );
    const installation_id = read.integer(installation['id'], 'installation.id');
    const body = { installation_id, repositories: [splitRepository(repository).repo], permissions };
    const minted = await github.send('POST', '/app/installations/{installation_id}/access_tokens', body, purpose);
    return {
      token: read.text(read.object(minted, 'token')['token'], 'token.token'),
      login: `${read.text(own['slug'], 'app.slug')}[bot]`,
    };
  } catch (error) {
    // Anything else passes: there is nothing to mend about the App.
    if (!(error instanceof ConfigurationError || (error instanceof GitHubError && error.status === 422))) throw error;
    throw new ConfigurationError('app-token', explain(app, repository, permissions, error), { cause: error });
  }
}

/** Ends the life of a token before its hour is over. */
export async function revokeInstallationToken(github: GitHub): Promise<void> {
  const purpose = { what: 'the end of the GitHub App token', permission: 'metadata: read' };
  await github.send('DELETE', '/installation/token', {}, purpose);
}

/**
 * Returns the JSON web token by which an App proves itself; `now` is in seconds.
 *
 * https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 */
export function signAppToken({ id, privateKey }: GitHubApp, now: number): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iat: now - SKEW_SECONDS, exp: now + LIFE_SECONDS, iss: id };
  const signed = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`;
  const signature = sign('RSA-SHA256', Buffer.from(signed), readKey(privateKey));
  return `${signed}.${signature.toString('base64url')}`;
}

function readKey(pem: string): KeyObject {
  try {
    // Some secret stores keep a line's end as the two characters \n.
    return createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch (error) {
    throw new ConfigurationError(
      'app-private-key',
      "input 'app-private-key' is no private key in PEM form: give the whole file that GitHub made for the App, with its " +
        'first and last line.',
      { cause: error },
    );
  }
}

function explain(app: GitHubApp, repository: string, permissions: AppPermissions, error: Error): string {
  const wanted = Object.entries(permissions).map(([name, level]) => `${name.replaceAll('_', '-')}: ${level}`);
  return (
    `GitHub gives the App ${app.id} no token for ${repository}: ${messageOf(error.cause ?? error).split('\n')[0]}. ` +
    `Install the App on ${repository}, with these permissions: ${wanted.join(', ')}; and see that 'app-id' and ` +
    "'app-private-key' are the same App's."
  );
}
