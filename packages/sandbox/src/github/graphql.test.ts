import { expect, it } from 'vitest';
import { openWorkplace, type Workplace } from './contract-client.ts';
import { commitFiles } from './seed.ts';

const READER = { token: 'reader', login: 'ada', permissions: { contents: 'read' } } as const;
const TOKENS = [
  { token: 'sandbox-token', login: 'grace' },
  READER,
  { token: 'blind', login: 'bob', permissions: { issues: 'read' } },
  { token: 'elsewhere', login: 'eve', repositories: ['octo/other'] },
] as const;

async function ask({ server }: Workplace, oids: readonly string[], token?: string, path = server.graphqlUrl) {
  const objects = oids.map(
    (oid, index) => `b${index}: object(oid: "${oid}") { ... on Blob { text isTruncated isBinary } }`,
  );
  const query = `query ($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { ${objects.join(' ')} } }`;
  const response = await fetch(path, {
    method: 'POST',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables: { owner: 'octo', name: 'plugins' } }),
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

async function blobIds({ server, client }: Workplace, files: Record<string, Buffer>): Promise<string[]> {
  const tree = await commitFiles(server.repositoryPath('octo/plugins'), 'main', files, { message: 'x' });
  const listed = await client.rest.git.getTree({ owner: 'octo', repo: 'plugins', tree_sha: tree });
  return [listed.data.sha, ...listed.data.tree.map(({ sha }) => sha)];
}

it('gives the text of blobs, and says where there is none or not all', async () => {
  await using place = await openWorkplace({ tokens: TOKENS });
  const [commit = '', ...blobs] = await blobIds(place, {
    a: Buffer.from('持续\n'),
    b: Buffer.from('a\0b'),
    c: Buffer.alloc(600_000, 'x'),
  });
  const { status, body } = await ask(place, [...blobs, commit, '0'.repeat(40)], 'reader');
  expect(status).toBe(200);
  expect(body).toEqual({
    data: {
      repository: {
        b0: { text: '持续\n', isTruncated: false, isBinary: false },
        b1: { text: null, isTruncated: false, isBinary: true },
        b2: { text: 'x'.repeat(512 * 1024), isTruncated: true, isBinary: false },
        b3: {},
        b4: null,
      },
    },
  });
  const short = await ask(place, blobs.slice(0, 1), 'reader', `${place.server.url}/graphql`);
  expect(short.body).toMatchObject({ data: { repository: { b0: { text: '持续\n' } } } });
});

it('answers nobody without a token, and tells each no more than REST does', async () => {
  await using place = await openWorkplace({ tokens: TOKENS });
  const [, blob = ''] = await blobIds(place, { a: Buffer.from('a') });
  await place.server.addRepository('octo/plugins', { private: true });
  expect((await ask(place, [blob])).status).toBe(401);
  expect((await ask(place, [blob], 'elsewhere')).body).toMatchObject({
    data: { repository: null },
    errors: [{ type: 'NOT_FOUND', path: ['repository'] }],
  });
  expect((await ask(place, [blob], 'blind')).body).toMatchObject({
    data: { repository: { b0: null } },
    errors: [{ type: 'FORBIDDEN', path: ['repository', 'b0'] }],
  });
  expect((await ask(place, ['" { oops'], 'reader')).body).toMatchObject({
    errors: [{ message: expect.stringContaining('Syntax Error') }],
  });
});
