import type { GitHubClient } from '../../scripts/demo/github-client.ts';

/** What a path is to hold; null takes it away. */
type Files = Readonly<Record<string, string | { readonly symlink: string } | null>>;

/**
 * Commits files to a branch as somebody who may push there, all at once; a branch that is not there yet begins where `main`
 * is. Returns the commit.
 */
export async function commitTo(client: GitHubClient, branch: string, files: Files, from = 'main'): Promise<string> {
  const parent = await findHead(client, branch);
  const base = parent ?? (await findHead(client, from)) ?? '';
  const tree = Object.entries(files).map(([path, content]) => ({
    path,
    type: 'blob',
    mode: isLink(content) ? '120000' : '100644',
    ...(content === null ? { sha: null } : { content: isLink(content) ? content.symlink : content }),
  }));
  const commit = await client.send<{ tree: { sha: string } }>('GET', `/git/commits/${base}`);
  const made = await client.send<{ sha: string }>('POST', '/git/trees', { base_tree: commit.tree.sha, tree });
  const message = 'Change what an attacker wants changed';
  const body = { message, tree: made.sha, parents: [base] };
  const { sha } = await client.send<{ sha: string }>('POST', '/git/commits', body);
  if (parent === undefined) await client.send('POST', '/git/refs', { ref: `refs/heads/${branch}`, sha });
  else await client.send('PATCH', `/git/refs/heads/${branch}`, { sha });
  return sha;
}

async function findHead(client: GitHubClient, branch: string): Promise<string | undefined> {
  try {
    const { object } = await client.send<{ object: { sha: string } }>('GET', `/git/ref/heads/${branch}`);
    return object.sha;
  } catch {
    return undefined;
  }
}

function isLink(content: Files[string]): content is { readonly symlink: string } {
  return typeof content === 'object' && content !== null;
}
