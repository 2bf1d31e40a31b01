import { readPermission } from '@slipway/core/github/permissions';
import { readOwners } from '@slipway/core/pull-request/owners';
import { silentLog } from '@slipway/core/util/log';
import { mapPooled } from '@slipway/core/util/pool';
import { type Diagnosis, failed, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';

const AT_ONCE = 4;

/** Looks whether there are owners who can approve a release: two of them, for nobody approves his own. */
export async function checkOwners(examined: Examined): Promise<Diagnosis[]> {
  const { files, isRelease } = examined;
  if (!isRelease) return [];
  const found = await readOwners(files, silentLog);
  if (found?.problem !== undefined) {
    return [ill('owners', 'error', found.problem, 'Correct the file, else nobody in OWNERS may approve.')];
  }
  if (found === undefined) {
    const open = 'There is no OWNERS file: whoever has write permission may approve a release.';
    return [ill('owners', 'warning', open, 'Add OWNERS with `approvers: [<login>, <login>]`.')];
  }
  const owners = found.approvers;
  if (owners.length === 0) {
    return [
      ill('owners', 'error', 'OWNERS names no approvers: nothing can be released.', 'Add `approvers` to OWNERS.'),
    ];
  }
  const strangers = mapPooled(owners, AT_ONCE, (login) => findStranger(examined, login));
  return [countOwners(owners), ...(await strangers).flat()];
}

function countOwners(owners: readonly string[]): Diagnosis {
  if (owners.length > 1) return fine('owners', owners.join(', '));
  const found = `${owners.join('')} is the only approver, and cannot approve what he or she opened.`;
  return ill('owners', 'warning', found, 'Add another login to `approvers` in OWNERS.');
}

async function findStranger({ github, repository }: Examined, login: string): Promise<Diagnosis[]> {
  const check = `owner ${login}`;
  try {
    if ((await readPermission(github, repository, login)) !== 'none') return [];
    const cure = `Add ${login} to the repository, or take the name out of OWNERS.`;
    return [ill(check, 'error', 'may not even read the repository, or is unknown to GitHub', cure)];
  } catch (error) {
    return [failed(check, 'unknown', error)];
  }
}
