import { ActionError, ConfigurationError } from '@slipway/core/errors';
import type { RepositoryFile, RepositoryFiles } from '@slipway/core/github/repository-files';
import { isRecord } from '@slipway/core/util/record';
import { parseYaml, YamlError } from '@slipway/core/util/yaml-document';
import { type Diagnosis, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';

export const WORKFLOWS = '.github/workflows';

/** A place in a workflow that uses one of ours. */
export interface Call {
  readonly file: string;
  /** `plugin-release` of a workflow, `sync-images` of an action. */
  readonly name: string;
  readonly ref: string;
  /** Whether every secret there is goes along. */
  readonly inherits: boolean;
}

/** Those that only look: they hold no secret that could publish anything. */
const LOOKERS = ['plugin-pull-request', 'storage-pull-request', 'doctor', 'validate-plugin'];

/** All others that there are. */
const PUBLISHERS = [
  ...['plugin-release', 'package-promotion', 'registry-update'],
  ...['distribution', 'distribution-push', 'distribution-tag', 'distribution-update'],
  ...['handle-command', 'sync-images', 'bundle-package', 'upload-oss', 'register-package', 'promote-package'],
  ...['build-distribution', 'rollout', 'update-registry'],
];

/** Looks whether the workflows of the default branch call ours in step, publish by commit id, and pass on no more than they must. */
export async function checkCallers({ files, runtime }: Examined): Promise<Diagnosis[]> {
  const calls: Call[] = [];
  const all: Diagnosis[] = [];
  for (const file of await files.list(WORKFLOWS)) {
    if (!/^[^/]+\.ya?ml$/.test(file.path.slice(WORKFLOWS.length + 1))) continue;
    const found = await readCalls(files, file, runtime.env['GITHUB_ACTION_REPOSITORY']);
    if (typeof found === 'string') all.push(ill(`workflow ${file.path}`, 'warning', found, 'Correct the file.'));
    else calls.push(...found);
  }
  if (calls.length === 0) {
    const cure = 'Copy the workflows of the example repository.';
    return [
      ...all,
      ill('workflows', 'warning', `No workflow in ${WORKFLOWS} of the default branch uses Slipway.`, cure),
    ];
  }
  return [...all, ...judgeCalls(calls)];
}

/** Judges how ours are called. */
export function judgeCalls(calls: readonly Call[]): Diagnosis[] {
  const all: Diagnosis[] = [];
  const pinned = calls.filter(({ ref }) => isCommit(ref));
  const loose = calls.filter(({ name, ref }) => !isCommit(ref) && !LOOKERS.includes(name));
  if (loose.length > 0) {
    const found = `${describe(loose)}: a tag can be moved, and this one publishes.`;
    all.push(
      ill('workflows by commit', 'error', found, 'Name the commit, 40 digits, and the version behind it in a comment.'),
    );
  } else all.push(fine('workflows by commit', `${pinned.length} of ${calls.length} calls name a commit`));
  const refs = [pinned, calls.filter(({ ref }) => !isCommit(ref))];
  const apart = refs.filter((some) => new Set(some.map(({ ref }) => ref)).size > 1).flat();
  if (apart.length > 0) {
    all.push(ill('workflows in step', 'warning', describe(apart), 'Move all of them to the same version.'));
  } else all.push(fine('workflows in step', [...new Set(calls.map(({ ref }) => ref))].join(', ')));
  const inheriting = calls.filter(({ inherits }) => inherits);
  if (inheriting.length > 0) {
    const found = `${describe(inheriting)} with \`secrets: inherit\`: every secret of the repository goes along.`;
    all.push(ill('secrets by name', 'error', found, 'Hand over the secrets that the workflow declares, by name.'));
  } else all.push(fine('secrets by name', 'no workflow inherits all secrets'));
  return all;
}

function describe(calls: readonly Call[]): string {
  return [
    ...new Set(calls.map(({ file, name, ref }) => `${file.slice(WORKFLOWS.length + 1)} uses ${name}@${ref}`)),
  ].join(', ');
}

function isCommit(ref: string): boolean {
  return /^[0-9a-f]{40}$/.test(ref);
}

/** Returns what a workflow uses of ours, or why it cannot be read. */
async function readCalls(
  files: RepositoryFiles,
  file: RepositoryFile,
  own: string | undefined,
): Promise<readonly Call[] | string> {
  try {
    const bytes = await files.find(file.path);
    return bytes === undefined
      ? 'It is no plain file.'
      : listCalls(file.path, parseYaml(bytes.toString('utf8')).value, own);
  } catch (error) {
    if (error instanceof YamlError) return `line ${error.position.line}: ${error.message}.`;
    if (error instanceof ActionError || error instanceof ConfigurationError) return error.message;
    throw error;
  }
}

/** Lists what of ours a workflow uses; `own` is the repository that ours come from, undefined where that is not known. */
export function listCalls(file: string, workflow: unknown, own: string | undefined): Call[] {
  const jobs = isRecord(workflow) && isRecord(workflow['jobs']) ? Object.values(workflow['jobs']) : [];
  return jobs.filter(isRecord).flatMap((job) => {
    const steps: unknown[] = Array.isArray(job['steps']) ? job['steps'] : [];
    const ofJob = parseUses(job['uses'], own).map((call) => ({ ...call, inherits: job['secrets'] === 'inherit' }));
    const ofSteps = steps.filter(isRecord).flatMap((step) => parseUses(step['uses'], own));
    return [...ofJob, ...ofSteps.map((call) => ({ ...call, inherits: false }))].map((call) => ({ file, ...call }));
  });
}

function parseUses(uses: unknown, own: string | undefined): Pick<Call, 'name' | 'ref'>[] {
  if (typeof uses !== 'string') return [];
  const match = /^([^/@]+\/[^/@]+)\/(?:\.github\/workflows\/([^/@]+)\.ya?ml|([^/@]+))@(.+)$/.exec(uses);
  if (match === null) return [];
  const [, repository = '', workflow, action, ref = ''] = match;
  const name = workflow ?? action ?? '';
  // Where it is not known which repository ours come from, they are known by their names.
  const isOurs = own ? own.toLowerCase() === repository.toLowerCase() : [...LOOKERS, ...PUBLISHERS].includes(name);
  return isOurs ? [{ name, ref }] : [];
}
