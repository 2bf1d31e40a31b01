import { childPointer } from '@slipway/core/util/yaml-document';
import { type Expression, isPresence, referencesOf } from '../expression.ts';
import { calledWorkflow, type Library, parseUse } from '../library.ts';
import { type Job, mapping, type Step, secretName, secretsIn, type Workflow } from '../read-workflow.ts';
import { at, type Problem, type Rule } from '../rule.ts';
import { isOutward, kindOfSecret } from '../secret-kinds.ts';

/** What the token of a job that goes out must not be able to do. */
const WRITES = ['checks', 'contents', 'issues', 'pull-requests'];

/**
 * Actions that look something up in a registry and write on GitHub what follows from it, in one step. Of the secrets
 * that open something else than GitHub they get registries' alone.
 */
const LOOK_UP: Readonly<Record<string, string>> = {
  'promote-package': 'removes only what the published image already holds',
  'update-registry': 'proposes only a version of the registry that exists',
};

/** The action that mints tokens of an App, and the input for the App's key. */
const MINT = { action: 'actions/create-github-app-token', key: 'private-key' };

/** Where secrets may be: with the step or the workflow that needs them, and not beside the power to write on GitHub. */
export const secretGeography: Rule = (workflow, library) => [
  ...workflow.expressions.flatMap((expression) => checkPlace(expression, workflow, library)),
  ...workflow.jobs.flatMap((job) => [...checkPullRequest(job, workflow), ...checkWrites(job, workflow)]),
];

function checkPlace(expression: Expression, workflow: Workflow, library: Library): Problem[] {
  const problem = (message: string): Problem[] => [at(workflow, expression.pointer, message)];
  return referencesOf(expression).flatMap(([context, written]) => {
    if (context !== 'secrets' || written === undefined || isPresence(expression)) return [];
    const name = secretName(written);
    const kind = kindOfSecret(name);
    if (kind === undefined) return problem(`the secret ${written} does not say by its name what it opens`);
    const given = /^\/jobs\/[^/]+\/(?:steps\/\d+\/(?:with|env)|secrets)\/[^/]+$/.test(expression.pointer);
    if (!given) return problem(`the secret ${written} is given to more than the step that needs it`);
    if (name.endsWith('app-private-key') && !takesAppKey(expression.pointer, workflow, library)) {
      return problem(`the App's key goes to an input app-private-key, or to ${MINT.action} for named permissions`);
    }
    return [];
  });
}

function takesAppKey(pointer: string, workflow: Workflow, library: Library): boolean {
  const job = workflow.jobs.find((candidate) => pointer.startsWith(`${candidate.pointer}/`));
  if (job === undefined) return false;
  if (job.uses !== undefined) {
    if (!pointer.endsWith('/app-private-key')) return false;
    const call = mapping(calledWorkflow(job, workflow, library)?.events['workflow_call']);
    return 'app-private-key' in mapping(call['secrets']);
  }
  const step = job.steps.find((candidate) => pointer.startsWith(`${candidate.pointer}/with/`));
  if (step?.uses === undefined) return false;
  const input = pointer.slice(pointer.lastIndexOf('/') + 1);
  const use = parseUse(step.uses, workflow);
  if (use.kind === 'foreign') return use.name === MINT.action && input === MINT.key && isNarrow(step);
  const declared = use.kind === 'action' ? library.actions.get(use.name)?.inputs : undefined;
  return input === 'app-private-key' && 'app-private-key' in (declared ?? {});
}

/** A token that names no permission can do all that the App can; one that is not revoked outlives its job. */
function isNarrow({ with: given }: Step): boolean {
  const names = Object.keys(given);
  return names.some((name) => name.startsWith('permission-')) && !names.includes('skip-token-revoke');
}

/** What a pull request starts runs what the pull request says: it gets no secret, and contacts nothing. */
function checkPullRequest({ id, pointer }: Job, workflow: Workflow): Problem[] {
  if (!('pull_request' in workflow.events)) return [];
  return secretsIn(workflow, pointer)
    .filter((name) => name !== 'github-token')
    .map((name) => at(workflow, pointer, `job ${id} of a pull request has the secret ${name}`));
}

/** A job that calls a workflow grants what several jobs need; it runs nothing itself. */
function checkWrites(job: Job, workflow: Workflow): Problem[] {
  if (job.uses !== undefined) return [];
  const [name] = job.steps.flatMap((step) => outwardSecrets(step, workflow));
  if (name === undefined) return [];
  const found = WRITES.filter((scope) => job.permissions?.[scope] === 'write').map((scope) =>
    at(
      workflow,
      childPointer(`${job.pointer}/permissions`, scope),
      `job ${job.id} has the secret ${name}; what needs ${scope}: write is a job of its own`,
    ),
  );
  const hasKey = secretsIn(workflow, job.pointer).some((secret) => secret.endsWith('app-private-key'));
  if (hasKey) found.push(at(workflow, job.pointer, `job ${job.id} has the secret ${name} and the App's key`));
  return found;
}

function outwardSecrets({ uses = '', pointer }: Step, workflow: Workflow): string[] {
  const use = parseUse(uses, workflow);
  const looksUp = use.kind === 'action' && use.name in LOOK_UP;
  const names = secretsIn(workflow, pointer).filter(isOutward);
  return looksUp ? names.filter((name) => kindOfSecret(name) !== 'registry') : names;
}
