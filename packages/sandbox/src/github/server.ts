import { type ListeningServer, listen } from '../http-server.ts';
import type { AppCredentials, AppOptions } from './apps.ts';
import type { TokenOptions } from './authentication.ts';
import type { EventListener } from './event-bus.ts';
import type { EnvironmentOptions, HostedRepository, ProtectionOptions } from './hosted-repository.ts';
import type { TeamRole } from './records.ts';
import { RestApi } from './rest-api.ts';
import { type RepositoryOptions, Site } from './site.ts';
import { isGitRequest, serveGit } from './smart-http.ts';

export interface GitHubOptions {
  /** Where everything is kept; a server started again on it goes on from there. */
  readonly directory: string;
  /** 0 (the default) lets the system choose. */
  readonly port?: number;
  /** `owner/name` to the bare repository that is served in place; null creates an empty one. */
  readonly repositories?: Readonly<Record<string, string | null | RepositoryOptions>>;
  /** Default: `sandbox-token` of `sandbox-admin`, who may do everything. */
  readonly tokens?: readonly TokenOptions[];
  /** `organisation/slug` to its members. */
  readonly teams?: Readonly<Record<string, Readonly<Record<string, TeamRole>>>>;
  /** The clock behind every date that is written; default: the system's. */
  readonly now?: () => Date;
}

export interface GitHubServer extends ListeningServer {
  /** What a runner calls GITHUB_API_URL. */
  readonly apiUrl: string;
  /** What a runner calls GITHUB_GRAPHQL_URL. */
  readonly graphqlUrl: string;
  /** What a runner calls GITHUB_SERVER_URL. */
  readonly serverUrl: string;
  /** Adds a repository while the server runs, or changes the options of one that is there. */
  addRepository(fullName: string, options?: RepositoryOptions): Promise<void>;
  /** Where a repository is on disk. */
  repositoryPath(fullName: string): string;
  /** Hands out a token: a job gets its own and loses it in the end. */
  addToken(token: TokenOptions): void;
  removeToken(token: string): void;
  /** Sets who is in a team; `parent` is the slug of the team that it is in. */
  setTeam(organization: string, slug: string, members: Readonly<Record<string, TeamRole>>, parent?: string): void;
  /** Makes an app and installs it; its private key comes back. */
  addApp(app: AppOptions): Promise<AppCredentials>;
  /** Protects a branch; undefined takes the protection away. */
  setProtection(fullName: string, branch: string, rules: ProtectionOptions | undefined): void;
  setEnvironment(fullName: string, name: string, environment: EnvironmentOptions): void;
  /** Is told of every change; returns what ends it. */
  onEvent(listener: EventListener): () => void;
  /** Everything behind the API, for what GitHub itself runs beside it: the actions service. */
  readonly site: Site;
}

const defaultToken: TokenOptions = { token: 'sandbox-token', login: 'sandbox-admin' };

/**
 * Starts a GitHub on loopback: REST (with and without `/api/v3`), a little GraphQL and smart HTTP over real bare git repositories, with
 * everything that is not git in JSON files beside them. Tokens are not kept: each start says who may do what.
 *
 * @see https://docs.github.com/en/rest
 */
export async function startGitHub(options: GitHubOptions): Promise<GitHubServer> {
  const site = new Site(options.directory, options.now ?? (() => new Date()));
  await site.open();
  if (options.tokens === undefined) site.administrators.add(defaultToken.login);
  const addToken = (token: TokenOptions): void => {
    site.accounts.ensure(token.login);
    site.tokens.set(token.token, token);
  };
  for (const token of options.tokens ?? [defaultToken]) addToken(token);
  for (const [name, repository] of Object.entries(options.repositories ?? {})) {
    const isPath = typeof repository === 'string' || repository === null;
    await site.addRepository(name, isPath ? { path: repository } : repository);
  }
  for (const [name, members] of Object.entries(options.teams ?? {})) {
    const [organization = '', slug = ''] = name.split('/');
    site.accounts.setTeam(organization, slug, members);
  }
  const rest = new RestApi(site);
  const underWay = new Set<Promise<void>>();
  const server = await listen({ port: options.port ?? 0 }, (request, response, url) => {
    const work = isGitRequest(url) ? serveGit(site, request, response, url) : rest.handle(request, response, url);
    underWay.add(work);
    return work.finally(() => underWay.delete(work));
  });
  site.serverUrl = server.url;
  const find = (fullName: string): HostedRepository => {
    const repository = site.find(fullName);
    if (repository === undefined) throw new Error(`there is no repository ${fullName}`);
    return repository;
  };
  return {
    ...server,
    apiUrl: site.apiUrl,
    graphqlUrl: `${server.url}/api/graphql`,
    serverUrl: site.serverUrl,
    addRepository: async (fullName, more) => {
      await site.addRepository(fullName, more);
    },
    repositoryPath: (fullName) => find(fullName).record.path,
    addToken,
    removeToken: (token) => {
      site.tokens.delete(token);
    },
    setTeam: (organization, slug, members, parent) => site.accounts.setTeam(organization, slug, members, parent),
    addApp: (app) => site.apps.add(app),
    setProtection: (fullName, branch, rules) => find(fullName).protect(branch, rules),
    setEnvironment: (fullName, name, environment) => find(fullName).setEnvironment(name, environment),
    onEvent: (listener) => site.events.subscribe(listener),
    site,
    close: async () => {
      await server.close();
      // A client that has gone does not stop the work it asked for.
      await Promise.allSettled(underWay);
      await site.close();
    },
  };
}
