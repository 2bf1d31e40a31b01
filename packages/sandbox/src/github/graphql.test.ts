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

it('tells when a pull request was pointed at another base branch', async () => {
  await using place = await openWorkplace({ tokens: TOKENS });
  const { server, client } = place;
  const bare = server.repositoryPath('octo/plugins');
  const base = await commitFiles(bare, 'main', { a: 'a' }, { message: 'x' });
  await commitFiles(bare, 'side', { b: 'b' }, { message: 'x', parent: base });
  await commitFiles(bare, 'head', { c: 'c' }, { message: 'x', parent: base });
  const names = { owner: 'octo', repo: 'plugins' };
  const { data } = await client.rest.pulls.create({ ...names, title: 'x', head: 'head', base: 'main' });
  const items = async (token = 'sandbox-token'): Promise<unknown> => {
    const types = '[BASE_REF_CHANGED_EVENT, AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT]';
    const event = '... on BaseRefChangedEvent { previousRefName currentRefName }';
    const query = `{ repository(owner: "octo", name: "plugins") { pullRequest(number: ${data.number}) {
      timelineItems(last: 1, itemTypes: ${types}) { nodes { ${event} } } } } }`;
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(server.graphqlUrl, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return await response.json();
  };
  const answer = (nodes: unknown[]) => ({ data: { repository: { pullRequest: { timelineItems: { nodes } } } } });
  await client.rest.pulls.update({ ...names, pull_number: data.number, title: 'y', base: 'main' });
  expect(await items()).toEqual(answer([]));
  for (const other of ['side', 'main']) {
    await client.rest.pulls.update({ ...names, pull_number: data.number, base: other });
  }
  expect(await items()).toEqual(answer([{ previousRefName: 'side', currentRefName: 'main' }]));
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
