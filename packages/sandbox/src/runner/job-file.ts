import { type ConcurrencyTemplate, readConcurrency } from './concurrency-file.ts';
import { checkCondition, checkValue } from './expression-rules.ts';
import { type Permissions, readPermissions } from './permissions.ts';
import { type RunDefaults, readDefaults } from './run-defaults.ts';
import { readStep, type WorkflowStep } from './step-file.ts';
import { asList, asMapping, asOptionalText, asText, asTextList, asTexts, refuseOtherKeys } from './yaml-value.ts';

type Texts = Readonly<Record<string, string>>;

interface JobHead {
  readonly id: string;
  /** Says in errors which job is meant. */
  readonly place: string;
  readonly name: string | undefined;
  readonly needs: readonly string[];
  readonly condition: string | undefined;
  /** `strategy:`, with its expressions; undefined where there is none. */
  readonly strategy: unknown;
  readonly permissions: Permissions | undefined;
  readonly concurrency: ConcurrencyTemplate | undefined;
}

/** A job that has steps. */
export interface StepsJob extends JobHead {
  readonly kind: 'steps';
  readonly runsOn: unknown;
  readonly environment: string | undefined;
  readonly env: Texts;
  readonly defaults: RunDefaults;
  readonly outputs: Texts;
  readonly timeoutMinutes: string | undefined;
  readonly continueOnError: string;
  readonly steps: readonly WorkflowStep[];
}

/** A job that calls a reusable workflow. */
export interface CallJob extends JobHead {
  readonly kind: 'call';
  readonly uses: string;
  readonly with: Readonly<Record<string, unknown>>;
  readonly secrets: Texts;
}

export type WorkflowJob = StepsJob | CallJob;

const HEAD_KEYS = ['name', 'needs', 'if', 'strategy', 'permissions', 'concurrency'];
const STEPS_KEYS = [
  ...HEAD_KEYS,
  'runs-on',
  'environment',
  'env',
  'defaults',
  'outputs',
  'timeout-minutes',
  'continue-on-error',
  'steps',
];
const CALL_KEYS = [...HEAD_KEYS, 'uses', 'with', 'secrets'];

/**
 * Reads one job. Throws an error that names file and key for what the runner cannot do, so that no job passes because a
 * part of it was left out.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobs
 */
export function readJob(id: string, value: unknown, place: string): WorkflowJob {
  if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(id)) throw new Error(`${place}: '${id}' cannot be the id of a job`);
  const job = asMapping(value, place);
  return 'uses' in job ? readCallJob(id, job, place) : readStepsJob(id, job, place);
}

function readHead(id: string, job: Readonly<Record<string, unknown>>, place: string): JobHead {
  checkValue(job['name'], 'job', `${place}.name`);
  checkValue(job['strategy'], 'strategy', `${place}.strategy`);
  return {
    id,
    place,
    name: asOptionalText(job['name'], `${place}.name`),
    needs: asTextList(job['needs'], `${place}.needs`),
    condition: checkCondition(asOptionalText(job['if'], `${place}.if`), 'jobIf', `${place}.if`),
    strategy: job['strategy'],
    permissions: readPermissions(job['permissions'], `${place}.permissions`),
    concurrency: readConcurrency(job['concurrency'], 'job', `${place}.concurrency`),
  };
}

function readStepsJob(id: string, job: Readonly<Record<string, unknown>>, place: string): StepsJob {
  refuseOtherKeys(job, STEPS_KEYS, place);
  if (job['runs-on'] === undefined) throw new Error(`${place} has neither 'runs-on' nor 'uses'`);
  for (const key of ['runs-on', 'timeout-minutes', 'continue-on-error']) {
    checkValue(job[key], 'job', `${place}.${key}`);
  }
  checkValue(job['env'], 'jobSecrets', `${place}.env`);
  checkValue(job['outputs'], 'step', `${place}.outputs`);
  const steps = asList(job['steps'], `${place}.steps`).map((step, index) => readStep(step, `${place}.steps[${index}]`));
  if (steps.length === 0) throw new Error(`${place} has no steps`);
  const ids = steps.flatMap((step) => (step.id === undefined ? [] : [step.id.toLowerCase()]));
  const twice = ids.find((step, index) => ids.indexOf(step) !== index);
  if (twice !== undefined) throw new Error(`${place} has two steps with the id '${twice}'`);
  return {
    ...readHead(id, job, place),
    kind: 'steps',
    runsOn: job['runs-on'],
    environment: readEnvironment(job['environment'], `${place}.environment`),
    env: asTexts(job['env'], `${place}.env`),
    defaults: readDefaults(job['defaults'], 'jobDefaults', `${place}.defaults`),
    outputs: asTexts(job['outputs'], `${place}.outputs`),
    timeoutMinutes: asOptionalText(job['timeout-minutes'], `${place}.timeout-minutes`),
    continueOnError: asOptionalText(job['continue-on-error'], `${place}.continue-on-error`) ?? 'false',
    steps,
  };
}

function readCallJob(id: string, job: Readonly<Record<string, unknown>>, place: string): CallJob {
  refuseOtherKeys(job, CALL_KEYS, place);
  if (job['secrets'] === 'inherit') {
    throw new Error(
      `${place}.secrets: 'inherit' is not supported by this runner; name the secrets that the callee needs`,
    );
  }
  checkValue(job['with'], 'job', `${place}.with`);
  checkValue(job['secrets'], 'jobSecrets', `${place}.secrets`);
  return {
    ...readHead(id, job, place),
    kind: 'call',
    uses: asText(job['uses'], `${place}.uses`),
    with: asMapping(job['with'], `${place}.with`),
    secrets: asTexts(job['secrets'], `${place}.secrets`),
  };
}

/** The page of a deployment is nothing that a job could read, so `url` is allowed and left alone. */
function readEnvironment(value: unknown, place: string): string | undefined {
  if (value === undefined) return undefined;
  const environment = typeof value === 'string' ? { name: value } : asMapping(value, place);
  refuseOtherKeys(environment, ['name', 'url'], place);
  checkValue(environment['name'], 'job', `${place}.name`);
  checkValue(environment['url'], 'step', `${place}.url`);
  return asText(environment['name'], `${place}.name`);
}
