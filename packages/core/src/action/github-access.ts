import { ConfigurationError } from '../errors.ts';
import { type AppPermissions, mintInstallationToken, revokeInstallationToken } from '../github/app-token.ts';
import { connectGitHub, type GitHub } from '../github/connect.ts';
import type { Runtime } from './action.ts';
import { optional, secret, text } from './inputs.ts';

/** The inputs of an action whose doings must start workflows, or that works in another repository. */
export const APP_INPUTS = { 'app-id': optional(text), 'app-private-key': secret() } as const;

export interface GitHubInputs {
  readonly token: string | undefined;
  readonly 'app-id'?: string | undefined;
  readonly 'app-private-key'?: string | undefined;
}

/** GitHub as one token sees it. */
export interface GitHubAccess {
  readonly github: GitHub;
  readonly token: string | undefined;
  /** The App's user, `<slug>[bot]`; undefined where the job's own token is used. */
  readonly login: string | undefined;
}

/**
 * Connects to GitHub for work in one repository: with a token of the App when one is given, minted for that repository
 * and these permissions alone and revoked when the action ends, else with the token of the job.
 *
 * Where nothing is written the App's id may stand alone: it says whose doings count, and a job that holds other secrets
 * can do without the key.
 */
export async function openGitHub(
  repository: string,
  permissions: AppPermissions,
  inputs: GitHubInputs,
  runtime: Runtime,
): Promise<GitHubAccess> {
  const { event, log } = runtime;
  const server = { apiUrl: event.apiUrl, graphqlUrl: event.graphqlUrl, log };
  const app = readApp(inputs, Object.values(permissions).includes('write'));
  if (app === undefined) {
    return { github: connectGitHub({ ...server, token: inputs.token }), token: inputs.token, login: undefined };
  }
  const { token, login } = await mintInstallationToken(server, app, repository, permissions);
  runtime.mask(token);
  const github = connectGitHub({ ...server, token });
  runtime.atEnd(() => revokeInstallationToken(github));
  return { github, token, login };
}

function readApp(inputs: GitHubInputs, writes: boolean): { id: string; privateKey: string } | undefined {
  const { 'app-id': id, 'app-private-key': privateKey } = inputs;
  if (id !== undefined && privateKey !== undefined) return { id, privateKey };
  if (privateKey === undefined && (id === undefined || !writes)) return undefined;
  throw new ConfigurationError(
    'incomplete-credentials',
    "inputs 'app-id' and 'app-private-key' belong together here; only one of them was given.",
  );
}
