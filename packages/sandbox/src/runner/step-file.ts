import { parseActionReference } from './action-reference.ts';
import { checkCondition, checkValue } from './expression-rules.ts';
import { readShell } from './run-defaults.ts';
import { STAND_IN_INPUTS } from './stand-ins/inputs.ts';
import { asMapping, asOptionalText, asTexts, refuseOtherKeys } from './yaml-value.ts';

type Texts = Readonly<Record<string, string>>;

/** A step as it is written; expressions in it are not evaluated yet. */
export interface WorkflowStep {
  /** Says in errors which step is meant. */
  readonly place: string;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly condition: string | undefined;
  /** Exactly one of `uses` and `run` is there. */
  readonly uses: string | undefined;
  readonly run: string | undefined;
  readonly shell: 'bash' | undefined;
  readonly with: Texts;
  readonly env: Texts;
  readonly workingDirectory: string | undefined;
  readonly continueOnError: string;
  readonly timeoutMinutes: string | undefined;
}

const STEP_KEYS = [
  'id',
  'name',
  'if',
  'uses',
  'run',
  'shell',
  'with',
  'env',
  'working-directory',
  'continue-on-error',
  'timeout-minutes',
];

/** Reads one step; throws for what the runner cannot do, so that no job passes because a part of it was left out. */
export function readStep(value: unknown, place: string): WorkflowStep {
  const step = asMapping(value, place);
  refuseOtherKeys(step, STEP_KEYS, place);
  const text = (key: string): string | undefined => asOptionalText(step[key], `${place}.${key}`);
  const [uses, run] = [text('uses'), text('run')];
  if ((uses === undefined) === (run === undefined)) throw new Error(`${place} must have either 'uses' or 'run'`);
  const misplaced = (uses === undefined ? ['with'] : ['shell', 'working-directory']).find((key) => key in step);
  if (misplaced !== undefined) throw new Error(`${place} cannot have '${misplaced}' beside '${uses ? 'uses' : 'run'}'`);
  if (uses !== undefined) checkUses(uses, asMapping(step['with'], `${place}.with`), place);
  for (const key of ['name', 'run', 'with', 'env', 'working-directory', 'continue-on-error', 'timeout-minutes']) {
    checkValue(step[key], 'step', `${place}.${key}`);
  }
  return {
    place,
    id: text('id'),
    name: text('name'),
    condition: checkCondition(text('if'), 'stepIf', `${place}.if`),
    uses,
    run,
    shell: readShell(step['shell'], place),
    with: asTexts(step['with'], `${place}.with`),
    env: asTexts(step['env'], `${place}.env`),
    workingDirectory: text('working-directory'),
    continueOnError: text('continue-on-error') ?? 'false',
    timeoutMinutes: text('timeout-minutes'),
  };
}

/** A stand-in that left out what an input asks for would be a lie, so it must know all of them. */
function checkUses(uses: string, inputs: Readonly<Record<string, unknown>>, place: string): void {
  const reference = parseActionReference(uses, place);
  if (reference.kind === 'stand-in')
    refuseOtherKeys(inputs, Object.keys(STAND_IN_INPUTS[reference.name]), `${place}.with`);
}
