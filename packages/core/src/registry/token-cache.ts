/** A token of a registry's token service. */
export interface Token {
  readonly value: string;
  /** Milliseconds that it is still good for. */
  readonly lifetime: number;
}

/** A token is renewed this long before it ends, milliseconds, so that a request that takes its time does not outlive it. */
const LEEWAY = 30_000;

interface Held {
  readonly rights: Rights;
  readonly token: Promise<Token>;
  /** Once it has arrived. */
  value?: string;
  /** When it has to be renewed, on the clock of the cache; not before it has arrived. */
  stale: number;
}

/** Actions by resource, `repository:team/app` → pull, push. */
type Rights = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Keeps tokens by what they open. One that opens more than a request needs serves it as well; whoever comes while one is
 * being fetched waits for it, so that no right is asked for twice at once.
 *
 * Lifetimes run on a clock that only goes forward, not on the machine's: that one may be wrong, or be put right meanwhile.
 */
export class TokenCache {
  readonly #fetch: (scope: string) => Promise<Token>;
  readonly #now: () => number;
  /** By the first resource of the scope: what a request is about. */
  readonly #held = new Map<string, Held[]>();
  /** What the registry wanted besides, by scope. */
  readonly #wanted = new Map<string, string>();

  constructor(fetch: (scope: string) => Promise<Token>, now: () => number = () => performance.now()) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /** Returns a token for `scope`: one or several `repository:<name>:<actions>` with spaces between. */
  async get(scope: string): Promise<string> {
    const full = this.#wanted.get(scope) ?? scope;
    const rights = parseScope(full);
    const key = keyOf(rights);
    const now = this.#now();
    const held = (this.#held.get(key) ?? []).filter(({ stale }) => stale > now);
    let found = held.find((one) => covers(one.rights, rights));
    if (found === undefined) {
      found = this.#start(key, full, rights);
      held.push(found);
    }
    this.#held.set(key, held);
    return (await found.token).value;
  }

  /**
   * Forgets a token that was refused: it may have been revoked, or the clock may be wrong. `asked` is the scope that the
   * registry names with its refusal; what of it was not asked for is, from now on.
   */
  refuse(scope: string, value: string, asked: string | undefined): void {
    const full = this.#wanted.get(scope) ?? scope;
    const rights = parseScope(full);
    const missing = (asked ?? '').split(' ').filter((item) => item !== '' && !covers(rights, parseScope(item)));
    if (missing.length > 0) this.#wanted.set(scope, [full, ...missing].join(' '));
    const key = keyOf(rights);
    // By its value: another request may have fetched a new one meanwhile.
    for (const held of this.#held.get(key) ?? []) if (held.value === value) this.#drop(key, held);
  }

  #start(key: string, scope: string, rights: Rights): Held {
    const held: Held = { rights, token: this.#fetch(scope), stale: Number.POSITIVE_INFINITY };
    held.token.then(
      ({ value, lifetime }) => {
        held.value = value;
        held.stale = this.#now() + lifetime - Math.min(LEEWAY, lifetime / 4);
      },
      () => this.#drop(key, held),
    );
    return held;
  }

  #drop(key: string, held: Held): void {
    this.#held.set(
      key,
      (this.#held.get(key) ?? []).filter((other) => other !== held),
    );
  }
}

/** https://distribution.github.io/distribution/spec/auth/scope/; a registry may have scopes of another form. */
function parseScope(scope: string): Rights {
  const rights = new Map<string, Set<string>>();
  for (const item of scope.split(' ')) {
    const [, resource = item, actions = ''] = /^([^:]+:.+):([a-z,*]+)$/.exec(item) ?? [];
    rights.set(resource, new Set([...(rights.get(resource) ?? []), ...actions.split(',')]));
  }
  return rights;
}

function keyOf(rights: Rights): string {
  const [first = ''] = rights.keys();
  return first;
}

function covers(rights: Rights, wanted: Rights): boolean {
  return [...wanted].every(([resource, actions]) => {
    const there = rights.get(resource);
    return there !== undefined && [...actions].every((action) => there.has(action));
  });
}
