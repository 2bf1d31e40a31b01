import { asList, asMapping, asOptionalText, asText, readYamlFile } from './yaml-value.ts';

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
  readonly with: Texts;
  readonly env: Texts;
  readonly workingDirectory: string | undefined;
  readonly continueOnError: string;
}

/** One job of a workflow file. */
export interface WorkflowJob {
  readonly id: string;
  readonly workflowName: string;
  readonly workflowEnv: Texts;
  readonly env: Texts;
  readonly condition: string | undefined;
  readonly steps: readonly WorkflowStep[];
}

/** Keys that a job may have here. Time limits, permissions and queues are read by nobody: one job is run, alone. */
const JOB_KEYS = ['name', 'runs-on', 'permissions', 'timeout-minutes', 'concurrency', 'if', 'env', 'steps', 'outputs'];
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

/**
 * Reads one job of a workflow file. Throws an error that names file and key for what the runner cannot do, so that no
 * job passes because a part of it was left out.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
 */
export async function readJob(path: string, jobId: string): Promise<WorkflowJob> {
  const file = asMapping(await readYamlFile(path), path);
  const jobs = asMapping(file['jobs'], `${path}: jobs`);
  if (!(jobId in jobs)) throw new Error(`${path} has no job '${jobId}', only ${Object.keys(jobs).join(', ')}`);
  const where = `${path}: jobs.${jobId}`;
  const job = asMapping(jobs[jobId], where);
  refuseOthers(job, JOB_KEYS, where);
  return {
    id: jobId,
    workflowName: asOptionalText(file['name'], `${path}: name`) ?? path,
    workflowEnv: asTexts(file['env'], `${path}: env`),
    env: asTexts(job['env'], `${where}.env`),
    condition: asOptionalText(job['if'], `${where}.if`),
    steps: asList(job['steps'], `${where}.steps`).map((step, index) => readStep(step, `${where}.steps[${index}]`)),
  };
}

function readStep(value: unknown, place: string): WorkflowStep {
  const step = asMapping(value, place);
  refuseOthers(step, STEP_KEYS, place);
  const text = (key: string): string | undefined => asOptionalText(step[key], `${place}.${key}`);
  const [uses, run, shell] = [text('uses'), text('run'), text('shell')];
  if ((uses === undefined) === (run === undefined)) throw new Error(`${place} must have either 'uses' or 'run'`);
  if (shell !== undefined && shell !== 'bash')
    throw new Error(`${place}: shell '${shell}' is not supported, only bash`);
  return {
    place,
    id: text('id'),
    name: text('name'),
    condition: text('if'),
    uses,
    run,
    with: asTexts(step['with'], `${place}.with`),
    env: asTexts(step['env'], `${place}.env`),
    workingDirectory: text('working-directory'),
    continueOnError: text('continue-on-error') ?? 'false',
  };
}

function asTexts(value: unknown, where: string): Texts {
  const entries = Object.entries(asMapping(value, where));
  return Object.fromEntries(entries.map(([name, text]) => [name, asText(text, `${where}.${name}`)]));
}

function refuseOthers(mapping: Readonly<Record<string, unknown>>, known: readonly string[], where: string): void {
  const other = Object.keys(mapping).find((key) => !known.includes(key));
  if (other !== undefined) throw new Error(`${where}: '${other}' is not supported by this runner`);
}
