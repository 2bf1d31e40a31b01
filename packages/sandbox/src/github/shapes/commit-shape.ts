import type { ChangedFile } from '../git/diff.ts';
import { type Commit, formatCommit, type Signature, signatureDate } from '../git/objects.ts';
import type { HostedRepository } from '../hosted-repository.ts';
import type { Site } from '../site.ts';
import { repositoryPage, repositoryUrl } from './repository-shape.ts';
import { committerShape, nodeId } from './user-shape.ts';

const personShape = (signature: Signature) => ({
  name: signature.name,
  email: signature.email,
  date: signatureDate(signature),
});

/** The sandbox knows no keys, so a signature is shown and never trusted. */
function verificationShape(commit: Commit) {
  const signed = commit.gpgSignature !== null;
  return {
    verified: false,
    reason: signed ? 'unknown_key' : 'unsigned',
    signature: commit.gpgSignature,
    payload: signed ? formatCommit({ ...commit, gpgSignature: null }).toString() : null,
    verified_at: null,
  };
}

const shownMessage = (commit: Commit): string => commit.message.replace(/\n+$/, '');

/** A commit as the git database shows it. */
export function gitCommitShape(site: Site, repository: HostedRepository, commit: Commit) {
  const url = repositoryUrl(site, repository);
  const page = repositoryPage(site, repository);
  return {
    sha: commit.oid,
    node_id: nodeId('Commit', commit.oid),
    url: `${url}/git/commits/${commit.oid}`,
    html_url: `${page}/commit/${commit.oid}`,
    author: personShape(commit.author),
    committer: personShape(commit.committer),
    message: shownMessage(commit),
    tree: { sha: commit.tree, url: `${url}/git/trees/${commit.tree}` },
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${url}/git/commits/${sha}`,
      html_url: `${page}/commit/${sha}`,
    })),
    verification: verificationShape(commit),
  };
}

/** A commit as the repository shows it, without its files. */
export function commitShape(site: Site, repository: HostedRepository, commit: Commit) {
  const url = repositoryUrl(site, repository);
  const page = repositoryPage(site, repository);
  return {
    sha: commit.oid,
    node_id: nodeId('Commit', commit.oid),
    commit: {
      author: personShape(commit.author),
      committer: personShape(commit.committer),
      message: shownMessage(commit),
      tree: { sha: commit.tree, url: `${url}/git/trees/${commit.tree}` },
      url: `${url}/git/commits/${commit.oid}`,
      comment_count: 0,
      verification: verificationShape(commit),
    },
    url: `${url}/commits/${commit.oid}`,
    html_url: `${page}/commit/${commit.oid}`,
    comments_url: `${url}/commits/${commit.oid}/comments`,
    author: committerShape(site, commit.author.email),
    committer: committerShape(site, commit.committer.email),
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${url}/commits/${sha}`,
      html_url: `${page}/commit/${sha}`,
    })),
  };
}

/** A path in an address: slashes stay. */
export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** A changed file; its addresses show it at `commit`. */
export function fileShape(site: Site, repository: HostedRepository, commit: string, file: ChangedFile) {
  const page = repositoryPage(site, repository);
  const path = encodePath(file.path);
  return {
    sha: file.oid,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${page}/blob/${commit}/${path}`,
    raw_url: `${page}/raw/${commit}/${path}`,
    contents_url: `${repositoryUrl(site, repository)}/contents/${path}?ref=${commit}`,
    ...(file.previousPath === undefined ? {} : { previous_filename: file.previousPath }),
    ...(file.patch === undefined ? {} : { patch: file.patch }),
  };
}
