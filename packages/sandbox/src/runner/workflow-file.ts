import { type CallDefinition, readCallDefinition } from './call.ts';
import { type ConcurrencyTemplate, readConcurrency } from './concurrency-file.ts';
import { checkValue } from './expression-rules.ts';
import { readJob, type WorkflowJob } from './job-file.ts';
import { orderJobs } from './job-graph.ts';
import { type Permissions, readPermissions } from './permissions.ts';
import { type RunDefaults, readDefaults } from './run-defaults.ts';
import { asMapping, asOptionalText, asTexts, parseYaml, refuseOtherKeys } from './yaml-value.ts';

/** A workflow file as it is written; expressions in it are not evaluated yet. */
export interface WorkflowFile {
  readonly path: string;
  /** Its `name:`, or else its path, as on GitHub. */
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly defaults: RunDefaults;
  readonly permissions: Permissions | undefined;
  readonly concurrency: ConcurrencyTemplate | undefined;
  /** What other workflows can call it with; undefined when they cannot. */
  readonly call: CallDefinition | undefined;
  /** By id; each job stands behind those that it needs. */
  readonly jobs: ReadonlyMap<string, WorkflowJob>;
}

const WORKFLOW_KEYS = ['name', 'run-name', 'on', 'permissions', 'env', 'defaults', 'concurrency', 'jobs'];

/**
 * Reads a whole workflow file; throws an error that names file and key for what is wrong in it, or cannot be run here.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
 */
export function readWorkflow(text: string, path: string): WorkflowFile {
  const file = asMapping(parseYaml(text, path), path);
  refuseOtherKeys(file, WORKFLOW_KEYS, path);
  checkValue(file['env'], 'workflowEnv', `${path}: env`);
  checkValue(file['run-name'], 'workflow', `${path}: run-name`);
  const entries = Object.entries(asMapping(file['jobs'], `${path}: jobs`));
  if (entries.length === 0) throw new Error(`${path} has no jobs`);
  return {
    path,
    name: asOptionalText(file['name'], `${path}: name`) ?? path,
    env: asTexts(file['env'], `${path}: env`),
    defaults: readDefaults(file['defaults'], 'workflow', `${path}: defaults`),
    permissions: readPermissions(file['permissions'], `${path}: permissions`),
    concurrency: readConcurrency(file['concurrency'], 'workflow', `${path}: concurrency`),
    call: readCallDefinition(file['on'], `${path}: on`),
    jobs: orderJobs(
      entries.map(([id, job]) => readJob(id, job, `${path}: jobs.${id}`)),
      path,
    ),
  };
}
