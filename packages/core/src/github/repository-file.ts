import { ConfigurationError } from '../errors.ts';
import { readAll } from '../util/content.ts';
import { createDispatcher, HttpError, judgeHttpFailure, readErrorBody, send } from '../util/http.ts';
import { RetryBudget } from '../util/retry.ts';

/** A repository on a GitHub server, and the token that reads it. */
export interface RepositoryAddress {
  /** REST endpoint, without a slash at its end. */
  readonly apiUrl: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly token: string | undefined;
}

/**
 * Reads one file of a repository as bytes, at most `limit` of them; undefined when it is not there.
 *
 * `ref` is a commit, a branch or a tag; undefined is the default branch's head. One plain request, so that actions which
 * only need their configuration do not carry a whole client.
 * https://docs.github.com/rest/repos/contents#get-repository-content
 */
export function readRepositoryFile(
  address: RepositoryAddress,
  path: string,
  ref: string | undefined,
  limit: number,
): Promise<Buffer | undefined> {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const query = ref === undefined ? '' : `?ref=${encodeURIComponent(ref)}`;
  return getRaw(address, `contents/${encoded}${query}`, `${path}${ref === undefined ? '' : ` at ${ref}`}`, limit);
}

/**
 * Reads a blob by its git id; undefined when it is not there.
 *
 * https://docs.github.com/rest/git/blobs#get-a-blob
 */
export function readRepositoryBlob(address: RepositoryAddress, id: string, limit: number): Promise<Buffer | undefined> {
  return getRaw(address, `git/blobs/${id}`, `the blob ${id}`, limit);
}

async function getRaw(
  { apiUrl, repository, token }: RepositoryAddress,
  path: string,
  what: string,
  limit: number,
): Promise<Buffer | undefined> {
  const dispatcher = createDispatcher({ connections: 1 });
  const url = new URL(`${apiUrl}/repos/${repository}/${path}`);
  try {
    return await new RetryBudget().run(
      async () => {
        const response = await send({
          method: 'GET',
          url,
          headers: {
            accept: 'application/vnd.github.raw+json',
            'user-agent': 'slipway',
            'x-github-api-version': '2022-11-28',
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
          },
          dispatcher,
        });
        if (response.status === 200) return await readAll(response.body, limit);
        const body = await readErrorBody(response);
        if (response.status === 404) return undefined;
        throw new HttpError(
          response.status === 401 || response.status === 403 ? 'unauthorized' : 'github',
          `GitHub answered ${response.status} when asked for ${what} of ${repository}: ${messageIn(body)}. ` +
            "The token needs the permission 'contents: read' on this repository.",
          response,
        );
      },
      { judge: judgeHttpFailure },
    );
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ConfigurationError('file-too-large', `${repository}: ${what} has ${error.message}.`, { cause: error });
    }
    throw error;
  } finally {
    await dispatcher.destroy();
  }
}

function messageIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? message.slice(0, 200) : 'no reason given';
  } catch {
    return 'no reason given';
  }
}
