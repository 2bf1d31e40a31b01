/** What opens a registry: a user's name and password, or docker's identity token. */
export type Credential = { readonly username: string; readonly password: string } | { readonly identityToken: string };

/** A credential and where it stands, for messages: `/root/.docker/config.json`, `the input target-password`. */
export interface FoundCredential {
  readonly credential: Credential;
  readonly origin: string;
  /** Whether a program gave it, which may have a newer one when this one has ended. */
  readonly renewable?: boolean;
}

/** What a registry is told of credentials: they are looked up when it asks for some, and not before. */
export interface CredentialSource {
  /** Whether there is a reason to believe that credentials will be found. */
  readonly expected: boolean;
  /** Where credentials were looked for, and where one would put them. */
  readonly places: string;
  lookUp(): Promise<FoundCredential | undefined>;
}

/** Programs that keep credentials for docker; see `HelperPrograms`. */
export interface CredentialPrograms {
  /** Says whether a program would be asked for this registry. */
  serves(registry: string): boolean;
  /** Asks it; undefined when it knows nothing. Throws a ConfigurationError when it cannot be asked. */
  lookUp(registry: string): Promise<FoundCredential | undefined>;
}

export interface CredentialStoreOptions {
  /** Where the entries stand. */
  readonly origin?: string;
  readonly programs?: CredentialPrograms;
  /** What else one can do than `docker login`: `give the inputs a and b`. */
  readonly advice?: string;
}

/**
 * Credentials by registry name. A name matches only when it is equal, port and all: a part of a name, or a name that
 * begins alike, is somebody else's host.
 *
 * What was given by hand comes first, then what docker's programs keep, then docker's file: docker's own order
 * (https://docs.docker.com/reference/cli/docker/login/#credential-stores), except that the file is still looked at when
 * the program knows nothing.
 */
export class CredentialStore {
  readonly #entries: ReadonlyMap<string, FoundCredential>;
  readonly #given: ReadonlyMap<string, FoundCredential>;
  readonly #options: CredentialStoreOptions;

  constructor(
    entries: Iterable<readonly [string, Credential]> = [],
    options: CredentialStoreOptions = {},
    given: ReadonlyMap<string, FoundCredential> = new Map(),
  ) {
    const { origin = 'the credentials in hand' } = options;
    this.#entries = new Map([...entries].map(([name, credential]) => [normalizeName(name), { credential, origin }]));
    this.#given = given;
    this.#options = options;
  }

  /** Returns what was given, or stands in docker's file, without asking any program. */
  find(registry: string): Credential | undefined {
    const name = normalizeName(registry);
    return (this.#given.get(name) ?? this.#entries.get(name))?.credential;
  }

  /** Returns the way to the credentials of one registry. */
  source(registry: string): CredentialSource {
    const name = normalizeName(registry);
    const { programs, origin, advice } = this.#options;
    const cures = [`run docker login ${registry} before this step`, ...(advice === undefined ? [] : [advice])];
    return {
      expected: this.find(name) !== undefined || programs?.serves(name) === true,
      places:
        `No credentials for ${registry} were given${origin === undefined ? '' : ` or found in ${origin}`}: ` +
        `${cures.join(', or ')}.`,
      lookUp: () => this.#lookUp(name),
    };
  }

  async #lookUp(name: string): Promise<FoundCredential | undefined> {
    const given = this.#given.get(name);
    if (given !== undefined) return given;
    const entry = this.#entries.get(name);
    try {
      return (await this.#options.programs?.lookUp(name)) ?? entry;
    } catch (error) {
      if (entry === undefined) throw error;
      return entry;
    }
  }

  /** Returns a store in which `credential`, which stands in `origin`, opens `registries`, whatever was known for them. */
  with(registries: Iterable<string>, credential: Credential, origin = 'the credentials in hand'): CredentialStore {
    const given = new Map(this.#given);
    for (const name of registries) given.set(normalizeName(name), { credential, origin });
    return new CredentialStore(
      [...this.#entries].map(([name, entry]) => [name, entry.credential] as const),
      this.#options,
      given,
    );
  }

  /** Returns every secret text in the store, for masking; what a program tells is masked when it is told. */
  secrets(): string[] {
    return [...this.#given.values(), ...this.#entries.values()].flatMap(({ credential }) => secretsOf(credential));
  }
}

/** Returns the secret texts of a credential; a password also in the form in which it is sent. */
export function secretsOf(credential: Credential): string[] {
  return 'identityToken' in credential ? [credential.identityToken] : [credential.password, encodeBasic(credential)];
}

/** Says whether two credentials open with the same secret. */
export function isSameCredential(one: Credential, other: Credential): boolean {
  const [mine, theirs] = [secretsOf(one), secretsOf(other)];
  return mine.length === theirs.length && mine.every((secret, index) => secret === theirs[index]);
}

/** Returns a name and a password as HTTP's basic scheme sends them; RFC 7617. */
export function encodeBasic({ username, password }: { readonly username: string; readonly password: string }): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/**
 * Returns the name that a key of docker's configuration stands for. Old keys are addresses, with a scheme and the path of
 * the interface; any other path is a namespace of podman's, which is not the whole registry.
 */
export function normalizeName(name: string): string {
  const host = name
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/(v[12]\/?)?$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}
