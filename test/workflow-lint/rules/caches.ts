import { parseUse } from '../library.ts';
import { at, type Rule } from '../rule.ts';

/**
 * Actions that cache unless they are told not to, and the input that tells them.
 *
 * @see https://github.com/actions/setup-node/releases/tag/v5.0.0
 */
const CACHES_UNASKED: Readonly<Record<string, string>> = {
  'actions/setup-node': 'package-manager-cache',
  'actions/setup-go': 'cache',
};

/** A cache is written by one run and believed by another; nothing that is published may come out of one. */
export const caches: Rule = (workflow) =>
  workflow.jobs.flatMap(({ steps }) =>
    steps.flatMap(({ uses = '', pointer, with: given }) => {
      const use = parseUse(uses, workflow);
      if (use.kind !== 'foreign') return [];
      if (/^actions\/cache(?:\/|$)/.test(use.name)) return [at(workflow, `${pointer}/uses`, 'no cache in workflows')];
      const off = CACHES_UNASKED[use.name];
      const isOn = off !== undefined && String(given[off]) !== 'false';
      if (isOn) return [at(workflow, `${pointer}/uses`, `${use.name} caches; add \`${off}: false\``)];
      if ('cache' in given && String(given['cache']) !== 'false') {
        return [at(workflow, `${pointer}/with/cache`, 'no cache in workflows')];
      }
      return [];
    }),
  );
