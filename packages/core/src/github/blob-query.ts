import type { GitHub } from './connect.ts';
import { gitBlobId } from './git-object.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/**
 * Asks for many blobs by one GraphQL query and returns those whose text is, byte for byte, what the id stands for.
 *
 * The others are left out: GitHub gives no text of a binary blob, cuts a long one, and turns other encodings into UTF-8.
 * https://docs.github.com/graphql/reference/objects#blob
 */
export async function queryBlobs(
  github: GitHub,
  repository: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const purpose = { what: `${ids.length} blobs of ${repository}`, permission: 'contents: read' };
  const { owner, repo: name } = splitRepository(repository);
  const objects = ids.map(
    (id, index) => `b${index}: object(oid: "${id}") { ... on Blob { text isTruncated isBinary } }`,
  );
  const query = `query ($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { ${objects.join(' ')} } }`;
  const read = new AnswerReader(purpose.what);
  const answer = read.object(
    await github.send('POST', github.graphqlUrl, { query, variables: { owner, name } }, purpose),
    'answer',
  );
  const found = read.object(read.object(answer['data'], 'data')['repository'], 'repository');
  const blobs = new Map<string, Buffer>();
  for (const [index, id] of ids.entries()) {
    const bytes = bytesOf(found[`b${index}`]);
    if (bytes !== undefined && gitBlobId(bytes) === id) blobs.set(id, bytes);
  }
  return blobs;
}

function bytesOf(blob: unknown): Buffer | undefined {
  if (typeof blob !== 'object' || blob === null) return undefined;
  const { text, isTruncated, isBinary } = blob as Readonly<Record<string, unknown>>;
  return typeof text === 'string' && isTruncated !== true && isBinary !== true ? Buffer.from(text) : undefined;
}
