import type { RegistrySettings } from '../configuration/configuration.ts';
import type { Reference } from '../image/reference.ts';
import type { Log } from '../util/log.ts';
import { RetryBudget } from '../util/retry.ts';
import type { CredentialStore } from './credentials.ts';
import { resolveEndpoint } from './endpoint.ts';
import { Registry } from './registry.ts';
import { Repository } from './repository.ts';

/**
 * The registries that one side of a job talks to, each opened once, so that connections, tokens and retry budgets are
 * shared by everything on that side.
 */
export class Registries {
  readonly #settings: Readonly<Record<string, RegistrySettings>>;
  readonly #credentials: CredentialStore;
  readonly #log: Log;
  readonly #budget: () => RetryBudget;
  readonly #open = new Map<string, Registry>();

  constructor(
    settings: Readonly<Record<string, RegistrySettings>>,
    credentials: CredentialStore,
    log: Log,
    budget: () => RetryBudget = () => new RetryBudget(),
  ) {
    this.#settings = settings;
    this.#credentials = credentials;
    this.#log = log;
    this.#budget = budget;
  }

  /** Returns the repository that a reference names. */
  repository({ registry, repository }: Pick<Reference, 'registry' | 'repository'>): Repository {
    let open = this.#open.get(registry);
    if (open === undefined) {
      const endpoint = resolveEndpoint(registry, this.#settings[registry]);
      open = new Registry(endpoint, this.#credentials.source(registry), this.#log, this.#budget());
      this.#open.set(registry, open);
    }
    return new Repository(open, repository);
  }

  /** How often a request was sent again so far. */
  get retries(): number {
    return [...this.#open.values()].reduce((sum, registry) => sum + registry.retries, 0);
  }

  /** Closes every connection; nothing can be asked afterwards. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((registry) => registry.close()));
  }
}
