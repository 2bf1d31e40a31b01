import { type Answer, created, ok } from '../answer.ts';
import { notFound, unprocessable } from '../api-error.ts';
import { gitText } from '../git/git-command.ts';
import { entryType, isOid, type TreeMode, treeModes } from '../git/objects.ts';
import { editTree, MissingEntryError, type TreeChange } from '../git/tree-editor.ts';
import type { HostedRepository } from '../hosted-repository.ts';
import { Payload } from '../payload.ts';
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts';
import { repositoryUrl } from '../shapes/repository-shape.ts';

/** What a recursive listing may hold before it is cut. @see https://docs.github.com/en/rest/git/trees#get-a-tree */
const listingLimit = { entries: 100_000, bytes: 7 * 1024 * 1024 };

async function treeShape({ site, repository }: RepositoryCall, sha: string, recursive: boolean) {
  const url = `${repositoryUrl(site, repository)}/git`;
  const listing = await gitText(repository.git.directory, [
    'ls-tree',
    '-l',
    '-z',
    ...(recursive ? ['-r', '-t'] : []),
    sha,
  ]);
  const all = listing.split('\0').filter((line) => line !== '');
  const lines = recursive ? withinLimit(all) : all;
  const tree = lines.map((line) => {
    const [, mode = '', type = '', oid = '', size = '', path = ''] =
      /^(\d+) (\w+) (\w+) +(\S+)\t(.*)$/s.exec(line) ?? [];
    return {
      path,
      mode,
      type,
      sha: oid,
      ...(type === 'blob' ? { size: Number(size) } : {}),
      // A submodule's commit is in another repository.
      ...(type === 'commit' ? {} : { url: `${url}/${type}s/${oid}` }),
    };
  });
  return { sha, url: `${url}/trees/${sha}`, tree, truncated: lines.length < all.length };
}

function withinLimit(lines: readonly string[]): readonly string[] {
  let bytes = 0;
  const end = lines.findIndex((line, index) => {
    bytes += Buffer.byteLength(line);
    return index >= listingLimit.entries || bytes > listingLimit.bytes;
  });
  return end < 0 ? lines : lines.slice(0, end);
}

async function getTree(call: RepositoryCall): Promise<Answer> {
  const { git } = call.repository;
  const name = call.parameter('tree_sha');
  const commit = await git.findCommit(name);
  const found = await git.info(`${commit ?? (isOid(name) ? name : '')}^{tree}`);
  if (found === undefined) throw notFound();
  // Any value means yes, also "false".
  return ok(await treeShape(call, found.oid, call.query.has('recursive')));
}

async function createTree(call: RepositoryCall): Promise<Answer> {
  const { repository, payload } = call;
  const base = payload.optionalString('base_tree');
  const entries = payload.optionalList('tree');
  if (entries === undefined || entries.length === 0) throw unprocessable('Invalid tree info');
  const baseTree = base === undefined ? undefined : await repository.git.info(isOid(base) ? `${base}^{tree}` : '');
  if (base !== undefined && baseTree === undefined) throw unprocessable('base_tree is not a valid tree oid');
  const changes = await Promise.all(entries.map((entry) => readChange(repository, new Payload(entry))));
  try {
    const sha = await editTree(repository.git, baseTree?.oid, changes);
    return created(await treeShape(call, sha, false));
  } catch (error) {
    if (error instanceof MissingEntryError) throw unprocessable('GitRPC::BadObjectState');
    throw error;
  }
}

async function readChange(repository: HostedRepository, entry: Payload): Promise<TreeChange> {
  const path = readPath(entry.string('path'));
  const mode = treeModes.find((each) => each === entry.string('mode'));
  if (mode === undefined) throw unprocessable('tree.mode must be one of 100644, 100755, 040000, 160000 or 120000');
  const type = entry.optionalString('type');
  if (type !== undefined && type !== entryType(mode)) {
    throw unprocessable(`tree.type ${type} does not match the mode ${mode}`);
  }
  const content = entry.optionalString('content');
  const sha = entry.optionalString('sha');
  if (content !== undefined && sha !== undefined) throw unprocessable('Use either tree.sha or content, not both');
  if (content !== undefined) {
    if (entryType(mode) !== 'blob') throw unprocessable('tree.content is for blobs only');
    return { path, entry: { mode, oid: await repository.git.write('blob', content) } };
  }
  if (sha === undefined) {
    if (!entry.has('sha')) throw unprocessable('Must supply either tree.sha or tree.content');
    return { path, entry: null };
  }
  await requireObject(repository, mode, sha);
  return { path, entry: { mode, oid: sha } };
}

function readPath(path: string): string {
  if (path.startsWith('/')) throw unprocessable('tree.path cannot start with a slash');
  const malformed = (part: string): boolean => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part);
  if (path.includes('\0') || path.split('/').some(malformed)) {
    throw unprocessable('tree.path contains a malformed path component');
  }
  return path;
}

async function requireObject(repository: HostedRepository, mode: TreeMode, sha: string): Promise<void> {
  const type = entryType(mode);
  const isValid = isOid(sha) && (type === 'commit' || (await repository.git.info(sha))?.type === type);
  if (!isValid) throw unprocessable(`tree.sha ${sha} is not a valid ${type}`);
}

export const treeRoutes: readonly Route[] = [
  repositoryRoute('GET', '/git/trees/{tree_sha}', ['contents:read'], getTree),
  repositoryRoute('POST', '/git/trees', ['contents:write'], createTree),
];
