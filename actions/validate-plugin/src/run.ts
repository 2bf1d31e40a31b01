import type { Runtime } from '@slipway/core/action/action';
import { lookUpImages } from '@slipway/core/action/source-images';
import { check } from '@slipway/core/plugin/check';
import type { Finding } from '@slipway/core/plugin/finding';
import type { Plugin } from '@slipway/core/plugin/plugin';
import { RULES } from '@slipway/core/pull-request/rules';
import type { Inputs } from './inputs.ts';
import { load } from './load.ts';
import { describeCounts, report } from './report.ts';

export interface Outputs {
  readonly valid: boolean;
  readonly findings: readonly Finding[];
  readonly plugins: readonly Plugin[];
  /** The commit that was checked; empty for a directory. */
  readonly commit: string;
  readonly plan: readonly Plugin[];
  readonly changed: false;
  readonly [name: string]: unknown;
}

/** Outputs have a limit, and nobody reads more. */
const MOST_FINDINGS = 1000;

/** Checks the plugins that a pull request changes, or all of a repository. */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const input = await load(inputs, runtime);
  let result = check(RULES, input);
  if (inputs['check-images']) {
    const sourceImages = await lookUpImages(result.plugins, input.configuration, inputs, runtime);
    result = check(RULES, { ...input, sourceImages });
  }
  const { plugins } = result;
  const valid = result.findings.every(({ severity }) => severity !== 'error');
  const findings = keepFirst(result.findings);
  report(findings, plugins, new Set(input.changes.map(({ path }) => path)), runtime);
  const counts = describeCounts(result.findings);
  runtime.log.info(
    `${counts}; to be released: ${plugins.map(({ plugin, version }) => `${plugin} ${version}`).join(', ') || 'nothing'}.`,
  );
  if (!valid) runtime.fail('plugins-not-valid', `The plugins are not valid: ${counts}.`);
  return { valid, findings, plugins, commit: input.commit, plan: plugins, changed: false };
}

/** Leaves out warnings before errors when there are too many findings; the order stays. */
function keepFirst(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= MOST_FINDINGS) return findings;
  const bySeverity = findings.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
  const kept = new Set(bySeverity.slice(0, MOST_FINDINGS));
  return findings.filter((finding) => kept.has(finding));
}
