import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getOctokit } from '@actions/github';
import { contractFetch } from './openapi/contract.ts';
import { type GitHubOptions, type GitHubServer, startGitHub } from './server.ts';

export type Client = ReturnType<typeof getOctokit>;

/** The client that actions use, with every request and answer held against GitHub's description. */
export function contractClient(server: GitHubServer, token = 'sandbox-token'): Client {
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  return getOctokit(token, { baseUrl: server.apiUrl, request: { fetch: contractFetch }, log });
}

export interface Workplace extends AsyncDisposable {
  readonly directory: string;
  readonly server: GitHubServer;
  readonly client: Client;
}

/** A server in a temporary directory, with the repository `octo/plugins`; both are gone when the scope ends. */
export async function openWorkplace(options: Partial<GitHubOptions> = {}): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-github-'));
  const server = await startGitHub({ directory, repositories: { 'octo/plugins': null }, ...options });
  return {
    directory,
    server,
    client: contractClient(server),
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
