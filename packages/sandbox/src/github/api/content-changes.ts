import type { Answer } from '../answer.ts';
import { ApiError, notFound, unprocessable } from '../api-error.ts';
import type { Commit } from '../git/objects.ts';
import { editTree } from '../git/tree-editor.ts';
import { signatureOf, synchroniseAround } from '../pull-requests.ts';
import { moveRef } from '../pushes.ts';
import { actorOf, type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { encodePath, gitCommitShape } from '../shapes/commit-shape.ts';
import { repositoryPage, repositoryUrl } from '../shapes/repository-shape.ts';
import { refuseProtected } from './refuse-protected.ts';

interface Change {
  readonly branch: string;
  readonly path: string;
  readonly before: string | null;
  /** The id of the file as it is; undefined where there is none. */
  readonly old: string | undefined;
}

async function readPlace({ repository: { git }, payload, parameter }: RepositoryCall): Promise<Change> {
  const branch = payload.optionalString('branch') ?? (await git.defaultBranch());
  const path = parameter('path');
  if (path === '' || path.split('/').some((part) => part === '' || part === '.' || part === '..' || part === '.git')) {
    throw unprocessable('path contains a malformed path component');
  }
  const before = (await git.branch(branch)) ?? null;
  // The first commit of a repository may come this way, and no other branch comes into being.
  if (before === null && (await git.refs('refs/heads/')).length > 0) throw notFound(`Branch ${branch} not found`);
  const file = before === null ? undefined : await git.info(`${before}:${path}`);
  return { branch, path, before, old: file?.type === 'blob' ? file.oid : undefined };
}

/** @see https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents */
async function putFile(call: RepositoryCall): Promise<Answer> {
  const { repository, payload } = call;
  const place = await readPlace(call);
  const content = Buffer.from(payload.string('content'), 'base64');
  const sha = payload.optionalString('sha');
  if (sha === undefined && place.old !== undefined) throw unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.');
  if (sha !== undefined && sha !== place.old) throw new ApiError(409, `${place.path} does not match ${sha}`);
  const oid = await repository.git.write('blob', content);
  const commit = await commitChange(call, place, { mode: '100644', oid });
  const status = place.old === undefined ? 201 : 200;
  return { status, json: { content: fileShape(call, place, oid, content.length), commit } };
}

async function deleteFile(call: RepositoryCall): Promise<Answer> {
  const place = await readPlace(call);
  if (place.old === undefined) throw notFound();
  const sha = call.payload.string('sha');
  if (sha !== place.old) throw new ApiError(409, `${place.path} does not match ${sha}`);
  return { status: 200, json: { content: null, commit: await commitChange(call, place, null) } };
}

async function commitChange(
  call: RepositoryCall,
  { branch, path, before }: Change,
  entry: { readonly mode: '100644'; readonly oid: string } | null,
) {
  const { site, repository, payload } = call;
  const { git } = repository;
  const parent: Commit | undefined = before === null ? undefined : await git.commit(before);
  const tree = await editTree(git, parent?.tree, [{ path, entry }]);
  const own = signatureOf(site, actorOf(call).login);
  const given = payload.optionalObject('author') ?? payload.optionalObject('committer');
  const author = given === undefined ? own : { ...own, name: given.string('name'), email: given.string('email') };
  const parents = before === null ? [] : [before];
  const message = payload.string('message');
  const oid = await git.writeCommit({ tree, parents, author, committer: author, message, gpgSignature: null });
  const change = { ref: `refs/heads/${branch}`, before, after: oid };
  await refuseProtected(call, change);
  if (!(await moveRef(site, repository, senderOfCall(call), change))) {
    throw new ApiError(409, `is at ${await git.branch(branch)} but expected ${before}`);
  }
  await synchroniseAround(site, repository);
  const commit = await git.commit(oid);
  if (commit === undefined) throw new Error(`the commit ${oid} was written and cannot be read`);
  return gitCommitShape(site, repository, commit);
}

function fileShape({ site, repository }: RepositoryCall, { branch, path }: Change, sha: string, size: number) {
  const url = `${repositoryUrl(site, repository)}/contents/${encodePath(path)}?ref=${encodeURIComponent(branch)}`;
  const page = repositoryPage(site, repository);
  const htmlUrl = `${page}/blob/${encodePath(branch)}/${encodePath(path)}`;
  const gitUrl = `${repositoryUrl(site, repository)}/git/blobs/${sha}`;
  return {
    name: path.split('/').at(-1),
    path,
    sha,
    size,
    url,
    html_url: htmlUrl,
    git_url: gitUrl,
    download_url: `${page}/raw/${encodePath(branch)}/${encodePath(path)}`,
    type: 'file',
    _links: { self: url, git: gitUrl, html: htmlUrl },
  };
}

export const contentChangeRoutes: readonly Route[] = [
  repositoryRoute('PUT', '/contents/{path}', ['contents:write'], putFile),
  repositoryRoute('DELETE', '/contents/{path}', ['contents:write'], deleteFile),
];
