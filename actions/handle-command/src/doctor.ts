import type { Runtime } from '@slipway/core/action/action';
import { checkApp } from './doctor/app.ts';
import { checkBranches } from './doctor/branches.ts';
import { checkCallers } from './doctor/callers.ts';
import { type Diagnosis, failed } from './doctor/diagnosis.ts';
import { checkEnvironment } from './doctor/environment.ts';
import { type Examined, examine } from './doctor/examined.ts';
import { checkLabels } from './doctor/labels.ts';
import { checkMergeRules } from './doctor/merge-rules.ts';
import { checkObjectStore } from './doctor/object-store.ts';
import { checkOwners } from './doctor/owners.ts';
import { checkPlugins } from './doctor/plugins.ts';
import { checkRegistries } from './doctor/registries.ts';
import { checkSecrets } from './doctor/secrets.ts';
import { checkSettings } from './doctor/settings.ts';
import type { Inputs } from './inputs.ts';
import { makeOutputs, type Outputs } from './outputs.ts';

type Look = (examined: Examined) => Diagnosis[] | Promise<Diagnosis[]>;

/** Every group of checks, under the name it has where it cannot be carried out at all. */
const LOOKS: readonly (readonly [name: string, look: Look])[] = [
  ['settings', checkSettings],
  ['GitHub App', checkApp],
  ['secrets', checkSecrets],
  ['registries', checkRegistries],
  ['object store', checkObjectStore],
  ['labels', checkLabels],
  ['merge rules', checkMergeRules],
  ['owners', checkOwners],
  ['workflows', checkCallers],
  ['branches', checkBranches],
  ['environment production', checkEnvironment],
  ['plugin files', checkPlugins],
];

const MARKS = { ok: '✅', warning: '⚠️', error: '❌', unknown: '❔' } as const;

/**
 * Looks at a repository before its first release: what there is, what is missing, and what to do about it. Nothing is
 * changed anywhere.
 */
export async function doctor(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const diagnoses = await diagnose(inputs, runtime);
  report(diagnoses, runtime);
  const count = (state: Diagnosis['state']): number => diagnoses.filter((each) => each.state === state).length;
  const [errors, warnings, unknown] = [count('error'), count('warning'), count('unknown')];
  const reason = `${diagnoses.length} checks: ${errors} errors, ${warnings} warnings, ${unknown} unknown.`;
  if (errors > 0) runtime.fail('not-ready', `This repository is not ready: ${reason}`);
  return makeOutputs(errors > 0 ? 'refused' : 'updated', reason, { plan: diagnoses });
}

async function diagnose(inputs: Inputs, runtime: Runtime): Promise<Diagnosis[]> {
  let examined: Examined;
  try {
    examined = await examine(inputs, runtime);
  } catch (error) {
    // Without a configuration nothing else can be looked at.
    return [failed('configuration', 'error', error)];
  }
  const all: Diagnosis[] = [];
  for (const [name, look] of LOOKS) {
    try {
      all.push(...(await look(examined)));
    } catch (error) {
      all.push(failed(name, 'unknown', error));
    }
  }
  return all;
}

function report(diagnoses: readonly Diagnosis[], runtime: Runtime): void {
  const { log, summary } = runtime;
  summary.heading('Is this repository ready?');
  summary.table(
    ['', 'check', 'found', 'cure'],
    diagnoses.map(({ check, state, found, cure }) => [MARKS[state], check, found, cure]),
  );
  for (const { check, state, found, cure } of diagnoses) {
    const line = `${check}: ${found}${cure === '' ? '' : ` ${cure}`}`;
    log.info(`${state}: ${line}`);
    if (state === 'error' || state === 'warning') runtime.annotate({ severity: state, title: check, message: line });
  }
}
