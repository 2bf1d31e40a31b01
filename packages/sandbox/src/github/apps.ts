import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { ApiError } from './api-error.ts';
import { readClaims } from './jwt.ts';

/** What an app may do, by GitHub's names with underscores: `pull_requests`. */
export type AppPermissions = Readonly<Record<string, 'read' | 'write'>>;

export interface AppOptions {
  readonly id: number;
  /** Its user is `<slug>[bot]`. */
  readonly slug: string;
  /** PEM of an RSA key; default: a new one. */
  readonly privateKey?: string;
  readonly permissions: AppPermissions;
  /** `owner/name` of the repositories where it is installed. */
  readonly repositories: readonly string[];
}

export interface App {
  readonly id: number;
  readonly slug: string;
  readonly publicKey: KeyObject;
  readonly permissions: AppPermissions;
  /** One for each owner of repositories. */
  readonly installations: readonly Installation[];
}

export interface Installation {
  readonly id: number;
  readonly owner: string;
  readonly repositories: readonly string[];
}

/** What an app's owner gets when it is made. */
export interface AppCredentials {
  readonly id: number;
  readonly slug: string;
  readonly privateKey: string;
}

const makeKeyPair = promisify(generateKeyPair);

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** The GitHub Apps of a server. Not kept: each start says which there are. */
export class Apps {
  readonly #apps = new Map<number, App>();

  async add(options: AppOptions): Promise<AppCredentials> {
    const { id, slug, permissions } = options;
    const privateKey = options.privateKey ?? (await makePrivateKey());
    const owners = Map.groupBy(options.repositories, (name) => name.split('/')[0]?.toLowerCase() ?? '');
    const installations = [...owners].map(([owner, repositories], index) => ({
      id: id * 100 + index + 1,
      owner,
      repositories,
    }));
    this.#apps.set(id, { id, slug, publicKey: createPublicKey(privateKey), permissions, installations });
    return { id, slug, privateKey };
  }

  find(slug: string): App | undefined {
    return [...this.#apps.values()].find((app) => same(app.slug, slug));
  }

  /** The installation of an app that has a repository. */
  installationFor(app: App, repository: string): Installation | undefined {
    return app.installations.find(({ repositories }) => repositories.some((name) => same(name, repository)));
  }

  installation(id: number): Installation | undefined {
    return [...this.#apps.values()].flatMap(({ installations }) => installations).find((each) => each.id === id);
  }

  #issuer(name: string): App | undefined {
    return [...this.#apps.values()].find(({ id }) => name === String(id) || name === clientIdOf(id));
  }

  /** The app that signed a JWT; throws GitHub's refusal for any other. */
  authenticate(jwt: string, now: Date): App {
    const unreadable = new ApiError(401, 'A JSON web token could not be decoded');
    const claims = readClaims(jwt);
    const app = claims === undefined ? undefined : this.#issuer(claims.issuer);
    if (claims === undefined || app === undefined) throw unreadable;
    if (!claims.isSignedBy(app.publicKey)) throw unreadable;
    claims.requireTimes(now);
    return app;
  }
}

/** What GitHub gives an app beside its id; either of the two names it. */
export const clientIdOf = (id: number): string => `Iv1.${id}`;

async function makePrivateKey(): Promise<string> {
  const { privateKey } = await makeKeyPair('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    // What GitHub hands out.
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return privateKey;
}
