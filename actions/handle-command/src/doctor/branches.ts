import type { Distribution } from '@slipway/core/configuration/storage';
import { BlobReader } from '@slipway/core/github/blob-reader';
import { findBranchHead } from '@slipway/core/github/branch';
import { CommitFiles } from '@slipway/core/github/commit-files';
import { WORKFLOWS } from './callers.ts';
import { type Diagnosis, failed, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';

/** What of a distribution's branch is compared with the others. */
interface Branch {
  readonly name: string;
  /** Paths and blob ids of its workflows, in one text. */
  readonly workflows: string;
}

/** Looks whether each distribution has its branch, with a Dockerfile and the caller that the others have too. */
export async function checkBranches(examined: Examined): Promise<Diagnosis[]> {
  if (!examined.isStorage) return [];
  const all: Diagnosis[] = [];
  const branches: Branch[] = [];
  for (const distribution of examined.configuration.storage.distributions) {
    const check = `branch ${distribution.name}`;
    try {
      const { diagnoses, branch } = await checkBranch(check, distribution, examined);
      all.push(...(diagnoses.length === 0 ? [fine(check, 'there, with a Dockerfile and a caller')] : diagnoses));
      branches.push(...branch);
    } catch (error) {
      all.push(failed(check, 'unknown', error));
    }
  }
  return [...all, ...compare(branches)];
}

async function checkBranch(
  check: string,
  { name, frozen }: Distribution,
  { inputs, github, repository }: Examined,
): Promise<{ readonly diagnoses: readonly Diagnosis[]; readonly branch: readonly Branch[] }> {
  const head = await findBranchHead(github, repository, name);
  if (frozen) return { diagnoses: [fine(check, head === undefined ? 'frozen, and not there' : 'frozen')], branch: [] };
  if (head === undefined) {
    const cure = `Make the branch ${name}, or take it out of storage.distributions.`;
    return { diagnoses: [ill(check, 'error', 'There is no such branch.', cure)], branch: [] };
  }
  const files = new CommitFiles(github, repository, head, new BlobReader(github, repository));
  const diagnoses: Diagnosis[] = [];
  if ((await files.find('Dockerfile')) === undefined) {
    const cure = 'Copy the Dockerfile of another distribution.';
    diagnoses.push(ill(check, 'error', 'It has no Dockerfile: no image can be built.', cure));
  }
  if ((await files.find(inputs.config)) !== undefined) {
    const cure = `Delete it on ${name}: only that of the default branch holds.`;
    diagnoses.push(ill(check, 'warning', `It has a copy of ${inputs.config}, which nobody reads.`, cure));
  }
  const workflows = await files.list(WORKFLOWS);
  if (workflows.length === 0) {
    const cure = `Copy ${WORKFLOWS} of the example repository's branch.`;
    diagnoses.push(ill(check, 'error', 'It has no workflow: a push to it starts nothing.', cure));
    return { diagnoses, branch: [] };
  }
  return { diagnoses, branch: [{ name, workflows: workflows.map(({ path, id }) => `${path} ${id}`).join('\n') }] };
}

/** GitHub starts the workflow in the branch concerned: one that lags behind builds or guards in another way. */
function compare(branches: readonly Branch[]): Diagnosis[] {
  const check = 'callers of the distributions';
  const alike = [...Map.groupBy(branches, ({ workflows }) => workflows).values()];
  if (alike.length === 0) return [];
  const groups = alike.map((some) => some.map(({ name }) => name).join(' and '));
  if (groups.length === 1) return [fine(check, 'all alike')];
  const cure = `Copy ${WORKFLOWS} of one to the others.`;
  return [ill(check, 'error', `They differ: ${groups.join('; ')}.`, cure)];
}
