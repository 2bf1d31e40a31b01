import { posix } from 'node:path';
import { type Answer, ok, wantsRaw } from '../answer.ts';
import { notFound } from '../api-error.ts';
import type { GitRepository } from '../git/git-repository.ts';
import type { ObjectInfo } from '../git/object-reader.ts';
import { entryType, type TreeEntry } from '../git/objects.ts';
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts';
import { encodePath } from '../shapes/commit-shape.ts';
import { repositoryPage, repositoryUrl } from '../shapes/repository-shape.ts';
import { rawAnswer, refuseTooLarge, wrappedBase64 } from './git-objects.ts';

/** @see https://docs.github.com/en/rest/repos/contents#get-repository-content */
const limits = { inline: 1024 * 1024, directory: 1000 };

interface Place {
  readonly ref: string;
  readonly commit: string;
  readonly path: string;
}

async function getContents(call: RepositoryCall): Promise<Answer> {
  const { git } = call.repository;
  const ref = call.query.get('ref') ?? (await git.defaultBranch());
  const path = call.parameter('path').replace(/\/$/, '');
  const commit = await git.findCommit(ref);
  if (commit === undefined) {
    throw notFound(call.query.has('ref') ? `No commit found for the ref ${ref}` : 'This repository is empty.');
  }
  const place: Place = { ref, commit, path };
  const entry = await findEntry(git, commit, path);
  if (entry === undefined) throw notFound();
  if (entry.mode === '040000') return listDirectory(call, place, entry.oid);
  if (entry.mode === '160000') return ok(await submodule(call, place, entry));
  return entry.mode === '120000' ? followLink(call, place, entry) : showFile(call, place, entry);
}

/** Walks down from the root, so that the mode is known, which an object alone does not tell. */
async function findEntry(git: GitRepository, commit: string, path: string): Promise<TreeEntry | undefined> {
  const root = await git.info(`${commit}^{tree}`);
  if (root === undefined) return undefined;
  let entry: TreeEntry = { name: '', mode: '040000', oid: root.oid };
  for (const step of path.split('/').filter((part) => part !== '')) {
    if (entry.mode !== '040000') return undefined;
    const next: TreeEntry | undefined = (await git.tree(entry.oid))?.find(({ name }) => name === step);
    if (next === undefined) return undefined;
    entry = next;
  }
  return entry;
}

/** What all kinds of content have in common. */
function entryShape({ site, repository }: RepositoryCall, place: Place, entry: TreeEntry, size: number) {
  const api = repositoryUrl(site, repository);
  const page = repositoryPage(site, repository);
  const path = encodePath(place.path);
  const type = entryType(entry.mode);
  const url = `${api}/contents/${path}?ref=${encodeURIComponent(place.ref)}`;
  const gitUrl = type === 'commit' ? null : `${api}/git/${type}s/${entry.oid}`;
  const htmlUrl = type === 'commit' ? null : `${page}/${type}/${encodePath(place.ref)}/${path}`;
  return {
    name: posix.basename(place.path),
    path: place.path,
    sha: entry.oid,
    size,
    url,
    html_url: htmlUrl,
    git_url: gitUrl,
    download_url: type === 'blob' ? `${page}/raw/${encodePath(place.ref)}/${path}` : null,
    _links: { self: url, git: gitUrl, html: htmlUrl },
  };
}

async function listDirectory(call: RepositoryCall, place: Place, tree: string): Promise<Answer> {
  const { git } = call.repository;
  const entries = (await git.tree(tree)) ?? [];
  const shapes = entries.slice(0, limits.directory).map(async (entry) => {
    const below: Place = { ...place, path: posix.join(place.path, entry.name) };
    const kind = entryType(entry.mode);
    const size = kind === 'blob' ? ((await git.info(entry.oid))?.size ?? 0) : 0;
    // A submodule is called a file here, for clients that know no other word.
    const type = kind === 'tree' ? 'dir' : entry.mode === '120000' ? 'symlink' : 'file';
    return { type, ...entryShape(call, below, entry, size) };
  });
  return ok(await Promise.all(shapes));
}

async function showFile(call: RepositoryCall, place: Place, entry: TreeEntry): Promise<Answer> {
  const info = await requireBlob(call, entry);
  refuseTooLarge(info.size);
  const isInline = info.size <= limits.inline;
  if (!wantsRaw(call) && !isInline) {
    return ok({ type: 'file', ...entryShape(call, place, entry, info.size), content: '', encoding: 'none' });
  }
  const blob = await call.repository.git.read(entry.oid);
  if (blob === undefined) throw notFound();
  if (wantsRaw(call)) return rawAnswer(blob.content);
  const content = wrappedBase64(blob.content);
  return ok({ type: 'file', ...entryShape(call, place, entry, info.size), content, encoding: 'base64' });
}

/** A link to a file of this repository reads as that file under the link's path; any other link is shown as such. */
async function followLink(call: RepositoryCall, place: Place, entry: TreeEntry): Promise<Answer> {
  const { git } = call.repository;
  const link = await git.read(entry.oid);
  if (link === undefined) throw notFound();
  const target = link.content.toString();
  const path = posix.join(posix.dirname(place.path), target);
  const isInside = !target.startsWith('/') && path !== '..' && !path.startsWith('../');
  const found = isInside ? await findEntry(git, place.commit, path) : undefined;
  if (found?.mode === '100644' || found?.mode === '100755') return showFile(call, place, found);
  return ok({ type: 'symlink', target, ...entryShape(call, place, entry, link.size) });
}

async function submodule(call: RepositoryCall, place: Place, entry: TreeEntry) {
  const { git } = call.repository;
  const file = await findEntry(git, place.commit, '.gitmodules');
  const text = file === undefined ? '' : ((await git.read(file.oid))?.content.toString() ?? '');
  const sections = text.split(/^(?=\s*\[submodule )/m);
  const section = sections.find((each) => /^\s*path\s*=\s*(.+?)\s*$/m.exec(each)?.[1] === place.path);
  const url = /^\s*url\s*=\s*(.+?)\s*$/m.exec(section ?? '')?.[1] ?? null;
  return { type: 'submodule', submodule_git_url: url, ...entryShape(call, place, entry, 0) };
}

async function requireBlob({ repository }: RepositoryCall, entry: TreeEntry): Promise<ObjectInfo> {
  const info = await repository.git.info(entry.oid);
  if (info === undefined) throw notFound();
  return info;
}

export const contentRoutes: readonly Route[] = [
  repositoryRoute('GET', '/contents/{path}', ['contents:read'], getContents),
];
