import type { DispatchRequest } from '../github/actions-host.ts';
import { unprocessable } from '../github/api-error.ts';
import type { GitRepository } from '../github/git/git-repository.ts';
import type { HostedRepository } from '../github/hosted-repository.ts';
import { readTextFile } from '../github/workflow-files.ts';
import { type DispatchInputs, readDispatchInputs } from '../runner/dispatch-inputs.ts';
import { reasonOf } from '../runner/reason.ts';
import { onDefaultBranch } from './occasion.ts';
import type { Selected } from './selection.ts';
import { readHead } from './triggers.ts';

/** A start by hand that GitHub would accept. */
export interface Dispatch {
  readonly selected: Selected;
  /** The context `inputs`, with its types. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

/**
 * Reads a start by hand: the branch or tag that was chosen, its version of the file, and what that file lets one say.
 * That the default branch has the file, too, is known already. Throws GitHub's refusal.
 *
 * @see https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
 */
export async function readDispatch(repository: HostedRepository, request: DispatchRequest): Promise<Dispatch> {
  const { path, inputs: given } = request;
  const ref = await findRef(repository.git, request.ref);
  const sha = ref === undefined ? undefined : await repository.git.findCommit(ref);
  if (ref === undefined || sha === undefined) throw unprocessable(`No ref found for: ${request.ref}`);
  const text = await readTextFile(repository.git, sha, path);
  const definitions = text === undefined ? undefined : readDefinitions(text, path);
  if (text === undefined || definitions === undefined) {
    throw unprocessable("Workflow does not have 'workflow_dispatch' trigger");
  }
  const happening = { name: 'workflow_dispatch', path, ref } as const;
  const trunk = await onDefaultBranch(repository, happening);
  if (trunk === undefined) throw unprocessable(`No ref found for: ${request.ref}`);
  const name = ref.replace(/^refs\/(heads|tags)\//, '');
  const head = { repository: repository.fullName, branch: name, sha };
  const occasion = { ...trunk, source: sha, sourceRef: ref, sha, ref, head };
  return {
    selected: { occasion, file: { path, text }, name: readHead(text, path).name, reason: undefined },
    inputs: refusing(() => definitions.resolve(given)),
  };
}

/** A short name is a branch's before it is a tag's. */
async function findRef(git: GitRepository, name: string): Promise<string | undefined> {
  const names = name.startsWith('refs/') ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`];
  for (const each of names) {
    if ((await git.ref(each)) !== undefined) return each;
  }
  return undefined;
}

const readDefinitions = (text: string, path: string): DispatchInputs | undefined =>
  refusing(() => readDispatchInputs(text, path));

function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unprocessable(reasonOf(error));
  }
}
