import type { RuleLevel } from '../configuration/configuration.ts';
import { CONFIGURATION_FILE } from '../configuration/configuration.ts';
import { ConfigurationError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import type { Rule } from './rule.ts';

/**
 * Returns the level of every rule: the configured one, else its own.
 *
 * Throws a ConfigurationError for an id that no rule has: a misspelt `off` must not look as if it worked.
 */
export function resolveLevels(
  rules: readonly Rule[],
  configured: Readonly<Record<string, RuleLevel>>,
): ReadonlyMap<string, RuleLevel> {
  const levels = new Map<string, RuleLevel>(rules.map(({ id, level }) => [id, level]));
  for (const [id, level] of Object.entries(configured)) {
    if (!levels.has(id)) {
      const meant = nearest(id, levels.keys());
      const cure =
        meant === undefined ? `The rules are ${[...levels.keys()].sort().join(', ')}.` : `Did you mean '${meant}'?`;
      throw new ConfigurationError('unknown-rule', `${CONFIGURATION_FILE}: plugins.rules: no rule '${id}'. ${cure}`);
    }
    levels.set(id, level);
  }
  return levels;
}
