import { type Answer, created, ok, wantsRaw } from '../answer.ts';
import { ApiError, malformedSha, notFound, unprocessable, validationFailed } from '../api-error.ts';
import { isOid, parseDate, type Signature } from '../git/objects.ts';
import type { Payload } from '../payload.ts';
import { signatureOf } from '../pull-requests.ts';
import { actorOf, type RepositoryCall, type Route, repositoryRoute } from '../route.ts';
import { gitCommitShape } from '../shapes/commit-shape.ts';
import { repositoryUrl } from '../shapes/repository-shape.ts';
import { nodeId } from '../shapes/user-shape.ts';

/** The largest blob of the REST API. @see https://docs.github.com/en/rest/git/blobs */
const blobLimit = 100 * 1024 * 1024;

/** Base64 in lines of 60 characters, as GitHub writes it. */
export const wrappedBase64 = (content: Buffer): string => content.toString('base64').replaceAll(/.{1,60}/g, '$&\n');

export const rawAnswer = (bytes: Buffer): Answer => ({
  status: 200,
  bytes,
  type: 'application/vnd.github.raw+json; charset=utf-8',
});

/** Refuses to send what GitHub would not send. */
export function refuseTooLarge(size: number): void {
  if (size <= blobLimit) return;
  throw new ApiError(403, 'This API returns blobs up to 100 MB in size. The requested blob is too large to fetch.', [
    { resource: 'Blob', field: 'data', code: 'custom', message: 'too_large' },
  ]);
}

async function getBlob(call: RepositoryCall): Promise<Answer> {
  const { site, repository } = call;
  const sha = call.parameter('file_sha');
  if (!isOid(sha)) throw malformedSha();
  const info = await repository.git.info(sha);
  if (info?.type !== 'blob') throw notFound();
  refuseTooLarge(info.size);
  const blob = await repository.git.read(sha);
  if (blob === undefined) throw notFound();
  if (wantsRaw(call)) return rawAnswer(blob.content);
  return ok({
    sha,
    node_id: nodeId('Blob', sha),
    size: blob.size,
    url: `${repositoryUrl(site, repository)}/git/blobs/${sha}`,
    content: wrappedBase64(blob.content),
    encoding: 'base64',
  });
}

async function createBlob({ site, repository, payload }: RepositoryCall): Promise<Answer> {
  const encoding = payload.optionalString('encoding') ?? 'utf-8';
  const text = payload.string('content');
  if (encoding !== 'utf-8' && encoding !== 'base64') {
    throw validationFailed({ resource: 'Blob', field: 'encoding', code: 'invalid' });
  }
  if (encoding === 'base64' && !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) {
    throw unprocessable('content is not valid Base64');
  }
  const sha = await repository.git.write('blob', Buffer.from(text, encoding));
  return created({ sha, url: `${repositoryUrl(site, repository)}/git/blobs/${sha}` });
}

async function getGitCommit({ site, repository, parameter }: RepositoryCall): Promise<Answer> {
  const sha = parameter('commit_sha');
  const commit = isOid(sha) ? await repository.git.commit(sha) : undefined;
  if (commit === undefined) throw notFound();
  return ok(gitCommitShape(site, repository, commit));
}

async function createGitCommit(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  const { git } = repository;
  const message = payload.string('message');
  const tree = payload.string('tree');
  if (!isOid(tree) || (await git.info(tree))?.type !== 'tree') throw unprocessable('Tree SHA does not exist');
  const parents = (payload.optionalList('parents') ?? []).map(String);
  for (const parent of parents) {
    if (!isOid(parent) || (await git.info(parent))?.type !== 'commit') {
      throw unprocessable('Parent SHA does not exist or is not a commit object');
    }
  }
  const own = signatureOf(site, actorOf(call).login);
  const author = readSignature(payload.optionalObject('author'), own);
  const committer = readSignature(payload.optionalObject('committer'), author);
  const gpgSignature = payload.optionalString('signature') ?? null;
  const sha = await git.writeCommit({ tree, parents, author, committer, message, gpgSignature });
  const commit = await git.commit(sha);
  if (commit === undefined) throw new Error(`the commit ${sha} was written and cannot be read`);
  return created(gitCommitShape(site, repository, commit));
}

function readSignature(payload: Payload | undefined, otherwise: Signature): Signature {
  if (payload === undefined) return otherwise;
  const name = payload.string('name');
  const email = payload.string('email');
  // git's own format has no escapes.
  if (/[<>\n\0]/.test(`${name}${email}`))
    throw validationFailed({ resource: 'Commit', field: 'author', code: 'invalid' });
  const date = payload.optionalString('date');
  const when = date === undefined ? otherwise : parseDate(date);
  if (when === undefined) throw validationFailed({ resource: 'Commit', field: 'date', code: 'invalid' });
  return { name, email, seconds: when.seconds, zone: when.zone };
}

export const gitObjectRoutes: readonly Route[] = [
  repositoryRoute('GET', '/git/blobs/{file_sha}', ['contents:read'], getBlob),
  repositoryRoute('POST', '/git/blobs', ['contents:write'], createBlob),
  repositoryRoute('GET', '/git/commits/{commit_sha}', ['contents:read'], getGitCommit),
  repositoryRoute('POST', '/git/commits', ['contents:write'], createGitCommit),
];
