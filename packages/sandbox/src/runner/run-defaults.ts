import { checkValue, type ExpressionRule } from './expression-rules.ts';
import { asMapping, asOptionalText, refuseOtherKeys } from './yaml-value.ts';

/** What `run` steps do where they say nothing themselves. */
export interface RunDefaults {
  readonly shell: 'bash' | undefined;
  readonly workingDirectory: string | undefined;
}

/** Reads `defaults:` of a workflow or a job. */
export function readDefaults(value: unknown, rule: ExpressionRule, place: string): RunDefaults {
  const defaults = asMapping(value, place);
  refuseOtherKeys(defaults, ['run'], place);
  const run = asMapping(defaults['run'], `${place}.run`);
  refuseOtherKeys(run, ['shell', 'working-directory'], `${place}.run`);
  checkValue(run, rule, `${place}.run`);
  return {
    shell: readShell(run['shell'], `${place}.run`),
    workingDirectory: asOptionalText(run['working-directory'], `${place}.run.working-directory`),
  };
}

/** Reads `shell:`; only bash is here. */
export function readShell(value: unknown, place: string): 'bash' | undefined {
  const shell = asOptionalText(value, `${place}.shell`);
  if (shell === undefined || shell === 'bash') return shell;
  throw new Error(`${place}: shell '${shell}' is not supported, only bash`);
}
