import { type Answer, created, noContent, ok } from '../answer.ts';
import { malformedSha, notFound, unprocessable } from '../api-error.ts';
import { isRefName, type Ref } from '../git/git-repository.ts';
import { isAncestor } from '../git/history.ts';
import { isOid } from '../git/objects.ts';
import { synchroniseAround } from '../pull-requests.ts';
import { moveRef } from '../pushes.ts';
import { type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { encodePath } from '../shapes/commit-shape.ts';
import { repositoryUrl } from '../shapes/repository-shape.ts';
import { nodeId } from '../shapes/user-shape.ts';
import { refuseProtected } from './refuse-protected.ts';

function refShape({ site, repository }: RepositoryCall, { name, oid, type }: Ref) {
  const url = `${repositoryUrl(site, repository)}/git`;
  return {
    ref: name,
    node_id: nodeId('Ref', `${repository.record.id}:${name}`),
    url: `${url}/${encodePath(name)}`,
    object: { sha: oid, type, url: `${url}/${type}s/${oid}` },
  };
}

/** The full name in a path: `heads/main`, which may come with `refs/` before it. */
const fullName = ({ parameter }: RepositoryCall): string => `refs/${parameter('ref').replace(/^refs\//, '')}`;

async function findRef(call: RepositoryCall): Promise<Ref | undefined> {
  const name = fullName(call);
  const found = await call.repository.git.ref(name);
  return found === undefined ? undefined : { name, oid: found.oid, type: found.type };
}

async function getRef(call: RepositoryCall): Promise<Answer> {
  const found = await findRef(call);
  if (found === undefined) throw notFound();
  return ok(refShape(call, found));
}

const matchingRefs = async (call: RepositoryCall): Promise<Answer> =>
  ok((await call.repository.git.refs(fullName(call))).map((ref) => refShape(call, ref)));

/** The object that a ref is to name: branches name commits only. */
async function target({ repository, payload }: RepositoryCall, ref: string): Promise<Pick<Ref, 'oid' | 'type'>> {
  const sha = payload.string('sha');
  if (!isOid(sha)) throw malformedSha();
  const object = await repository.git.info(sha);
  if (object === undefined) throw unprocessable('Object does not exist');
  if (ref.startsWith('refs/heads/') && object.type !== 'commit') {
    throw unprocessable('Reference update failed: the object is not a commit');
  }
  return object;
}

async function move(call: RepositoryCall, ref: string, after: string | null, before: string | null): Promise<boolean> {
  const change = { ref, before, after };
  await refuseProtected(call, change);
  return moveRef(call.site, call.repository, senderOfCall(call), change);
}

async function createRef(call: RepositoryCall): Promise<Answer> {
  const name = call.payload.string('ref');
  if (!isRefName(name)) {
    throw unprocessable("Reference name must start with 'refs/' and contain at least two slashes.");
  }
  refuseHidden(name);
  const { oid, type } = await target(call, name);
  if ((await call.repository.git.ref(name)) !== undefined) throw unprocessable('Reference already exists');
  if (!(await move(call, name, oid, null))) throw unprocessable('Reference update failed');
  await synchroniseAround(call.site, call.repository);
  return created(refShape(call, { name, oid, type }));
}

async function updateRef(call: RepositoryCall): Promise<Answer> {
  const { git } = call.repository;
  const found = await findRef(call);
  const { oid, type } = await target(call, fullName(call));
  if (found === undefined) throw unprocessable('Reference does not exist');
  refuseHidden(found.name);
  const force = call.payload.optionalBoolean('force') ?? false;
  const isForward = found.type === 'commit' && type === 'commit' && (await isAncestor(git, found.oid, oid));
  if (!force && !isForward && found.oid !== oid) throw unprocessable('Update is not a fast forward');
  // Somebody else moved it since it was read: without force that is no fast forward either.
  if (!(await move(call, found.name, oid, found.oid))) throw unprocessable('Update is not a fast forward');
  await synchroniseAround(call.site, call.repository);
  return ok(refShape(call, { name: found.name, oid, type }));
}

async function deleteRef(call: RepositoryCall): Promise<Answer> {
  const { git } = call.repository;
  const found = await findRef(call);
  if (found === undefined) throw unprocessable('Reference does not exist');
  refuseHidden(found.name);
  if (found.name === `refs/heads/${await git.defaultBranch()}`) {
    throw unprocessable('Cannot delete the default branch');
  }
  if (!(await move(call, found.name, null, found.oid))) throw unprocessable('Reference update failed');
  await synchroniseAround(call.site, call.repository);
  return noContent;
}

/** The refs of pull requests are the server's own. */
function refuseHidden(name: string): void {
  if (name.startsWith('refs/pull/')) throw unprocessable('Reference update failed: deny updating a hidden ref');
}

export const refRoutes: readonly Route[] = [
  repositoryRoute('GET', '/git/ref/{ref}', ['contents:read'], getRef),
  repositoryRoute('GET', '/git/matching-refs/{ref}', ['contents:read'], matchingRefs),
  repositoryRoute('POST', '/git/refs', ['contents:write'], createRef),
  repositoryRoute('PATCH', '/git/refs/{ref}', ['contents:write'], updateRef),
  repositoryRoute('DELETE', '/git/refs/{ref}', ['contents:write'], deleteRef),
];
