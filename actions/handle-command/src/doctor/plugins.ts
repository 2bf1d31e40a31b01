import { check } from '@slipway/core/plugin/check';
import { loadRepository } from '@slipway/core/pull-request/load-change';
import { RULES } from '@slipway/core/pull-request/rules';
import { type Diagnosis, failed, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';

const CHECK = 'plugin files';

/** Checks all plugins as they are on the default branch. What is wrong by now keeps nobody from releasing another one. */
export async function checkPlugins({ files, configuration, isRelease }: Examined): Promise<Diagnosis[]> {
  if (!isRelease) return [];
  try {
    const change = await loadRepository(files, () => Promise.resolve(configuration));
    const { findings, plugins } = check(RULES, { ...change, scope: 'all' });
    const counted = Map.groupBy(findings, ({ rule, severity }) => `${rule} (${severity})`);
    const found = `${plugins.length} plugins`;
    if (counted.size === 0) return [fine(CHECK, found)];
    const counts = [...counted].map(([rule, ofRule]) => `${rule}: ${ofRule.length}`).sort();
    const cure = 'See each with validate-plugin, `all: true`, and mend it with the next release of its plugin.';
    return [ill(CHECK, 'warning', `${found}, with findings: ${counts.join(', ')}`, cure)];
  } catch (error) {
    return [failed(CHECK, 'error', error)];
  }
}
