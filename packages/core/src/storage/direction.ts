import type { Distribution, StorageSettings } from '../configuration/storage.ts';
import { ConfigurationError } from '../errors.ts';

/**
 * Returns the distributions further along promotion than this one: those whose images its own contains, so that what they
 * hold is served here too.
 */
export function furtherAlong({ distributions }: StorageSettings, { upstream }: Distribution): readonly Distribution[] {
  return distributions.filter(({ name }) => upstream.includes(name));
}

/**
 * Returns the distributions before this one along promotion: those that lose what it has come to hold, for a promotion may
 * skip any of them. The nearest comes first; frozen ones lose nothing.
 */
export function before({ distributions }: StorageSettings, { name }: Distribution): readonly Distribution[] {
  return distributions
    .filter(({ upstream, frozen }) => !frozen && upstream.includes(name))
    .sort((a, b) => a.upstream.length - b.upstream.length);
}

/** Throws a ConfigurationError unless package versions may be promoted from one distribution to the other. */
export function checkDirection(settings: StorageSettings, from: Distribution, to: Distribution): void {
  checkNotFrozen(to);
  if (from.upstream.includes(to.name)) return;
  const allowed = settings.distributions.flatMap((each) => each.upstream.map((other) => `${each.name} to ${other}`));
  throw new ConfigurationError(
    'invalid-direction',
    `Nothing is promoted from '${from.name}' to '${to.name}'; allowed: ${allowed.join(', ') || 'none'}.`,
  );
}

/** Throws a ConfigurationError for a distribution of which nothing may change any more. */
export function checkNotFrozen({ name, frozen }: Distribution): void {
  if (frozen) throw new ConfigurationError('frozen', `'${name}' is frozen: nothing of it may change any more.`);
}

/** Returns the distribution where promotion begins: the only one that no other contains. */
export function firstDistribution({ distributions }: StorageSettings): Distribution {
  const active = distributions.filter(({ frozen }) => !frozen);
  const inDownstream = new Set(active.flatMap(({ upstream }) => upstream));
  const [first, another] = active.filter(({ name }) => !inDownstream.has(name));
  if (first !== undefined && another === undefined) return first;
  throw new ConfigurationError(
    'no-first-distribution',
    first === undefined
      ? 'Every distribution is frozen; name one that is not.'
      : `Promotion begins in '${first.name}' as well as in '${another?.name}'; name the one that is meant.`,
  );
}
