import { describe, expect, it } from 'vitest';
import { contractClient } from '../github/contract-client.ts';
import { addBranch, fullName, here, openService, putFile, type ServicePlace, workflow } from './service-fixture.ts';

/** A step that asks the API with a token and prints the status of the answer. */
function ask(method: string, path: string, body: object = {}, token = '${{ github.token }}'): string {
  const payload = method === 'GET' ? '' : `, body: '${JSON.stringify(body)}'`;
  const options = `{ method: '${method}', headers: { authorization: 'Bearer ${token}' }${payload} }`;
  return `node -e "fetch(process.env.GITHUB_API_URL + '${path}', ${options.replaceAll('"', '\\"')}).then((r) => console.log('${path.split('?')[0]}', r.status))"`;
}

const comment = (token?: string): string => ask('POST', '/repos/octo/plugins/issues/1/comments', { body: 'hi' }, token);

async function openIssue({ client }: ServicePlace): Promise<number> {
  return (await client.rest.issues.create({ ...here, title: 'One' })).data.number;
}

const writing = 'permissions: { contents: write, issues: write, pull-requests: write, actions: write }';
const listener = workflow('listener', 'issue_comment');

describe("a job's own token", () => {
  it('starts nothing, and what would have started is listed', async () => {
    await using place = await openService({
      files: {
        '.github/workflows/speaker.yml': workflow('speaker', 'workflow_dispatch', comment(), writing),
        '.github/workflows/listener.yml': listener,
      },
    });
    const { client, service, settled, lines } = place;
    await openIssue(place);
    await client.rest.actions.createWorkflowDispatch({ ...here, workflow_id: 'speaker.yml', ref: 'main' });
    expect((await settled()).map(({ name }) => name)).toEqual(['speaker']);
    expect(lines).toEqual(['speaker: /repos/octo/plugins/issues/1/comments 201']);
    expect(service.ignored).toEqual([
      {
        repository: fullName,
        event: 'issue_comment',
        action: 'created',
        actor: 'github-actions[bot]',
        workflows: ['.github/workflows/listener.yml'],
      },
    ]);
    const { data } = await client.rest.issues.listComments({ ...here, issue_number: 1 });
    expect(data.map(({ user }) => [user?.login, user?.id])).toEqual([['github-actions[bot]', 41898282]]);
    await client.rest.issues.createComment({ ...here, issue_number: 1, body: 'mine' });
    expect((await settled()).map(({ name }) => name)).toEqual(['speaker', 'listener']);
  });

  it('starts nothing by what follows from its push either, by git or by the API', async () => {
    const push = [
      'git clone -q http://x:${{ github.token }}@${SERVER}/octo/plugins.git c && cd c && git checkout -q change',
      'git -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m more && git push -q origin change',
    ].join(' && ');
    const server = "env: { SERVER: '${{ github.event.inputs.server }}' }";
    const on = '{ workflow_dispatch: { inputs: { server: {} } } }';
    await using place = await openService({
      files: {
        '.github/workflows/pusher.yml': workflow('pusher', on, push, `${writing}\n${server}`),
        '.github/workflows/pull.yml': workflow('pull', '[pull_request, push, pull_request_target]'),
      },
    });
    const { client, service, github } = place;
    await addBranch(client, 'change');
    await putFile(client, 'a', 'a', { branch: 'change' });
    await client.rest.pulls.create({ ...here, title: 'A', head: 'change', base: 'main' });
    await service.idle();
    const before = service.runs.length;
    const inputs = { server: github.serverUrl.replace('http://', '') };
    await client.rest.actions.createWorkflowDispatch({ ...here, workflow_id: 'pusher.yml', ref: 'main', inputs });
    await service.idle();
    expect(service.runs.slice(before).map(({ name, conclusion }) => [name, conclusion])).toEqual([
      ['pusher', 'success'],
    ]);
    expect(service.ignored.map(({ event, action }) => [event, action])).toEqual([
      ['push', undefined],
      ['pull_request', 'synchronize'],
    ]);
  });

  it('starts dispatches, and an app or a user starts everything', async () => {
    const dispatch = ask('POST', '/repos/octo/plugins/actions/workflows/speaker.yml/dispatches', { ref: 'main' });
    const event = ask('POST', '/repos/octo/plugins/dispatches', { event_type: 'go' });
    await using place = await openService({
      files: {
        '.github/workflows/first.yml': workflow('first', 'workflow_dispatch', `${dispatch} && ${event}`, writing),
        '.github/workflows/speaker.yml': workflow('speaker', 'workflow_dispatch', comment('app-token')),
        '.github/workflows/asked.yml': workflow('asked', 'repository_dispatch'),
        '.github/workflows/listener.yml': listener,
      },
    });
    const { client, github, service, settled } = place;
    const permissions = { issues: 'write' } as const;
    github.addToken({ token: 'app-token', login: 'slipway[bot]', repositories: [fullName], permissions });
    await openIssue(place);
    await client.rest.actions.createWorkflowDispatch({ ...here, workflow_id: 'first.yml', ref: 'main' });
    const runs = (await settled()).map(({ name, actor }) => `${name} by ${actor}`);
    expect(runs.toSorted()).toEqual([
      'asked by github-actions[bot]',
      'first by sandbox-admin',
      'listener by slipway[bot]',
      'speaker by github-actions[bot]',
    ]);
    expect(service.ignored).toEqual([]);
  });

  it('can do only what its permissions say, in its own repository, until the job ends', async () => {
    const steps = [
      ask('POST', '/repos/octo/plugins/issues', { title: 'x' }),
      ask('POST', '/repos/octo/plugins/labels', { name: 'x' }),
      ask('GET', '/repos/ada/plugins'),
      'echo token=$(echo ${{ github.token }} | rev)',
    ].join(' && ');
    await using place = await openService({
      files: { '.github/workflows/a.yml': workflow('a', 'push', steps, 'permissions: { checks: write }') },
    });
    const { client, settled, lines, github } = place;
    await putFile(client, 'x', 'x');
    const [run] = await settled();
    expect(run).toMatchObject({ conclusion: 'success' });
    expect(lines.slice(0, 3)).toEqual([
      'a: /repos/octo/plugins/issues 403',
      'a: /repos/octo/plugins/labels 403',
      'a: /repos/ada/plugins 404',
    ]);
    // Reversed, so that it is not masked.
    const token = (/token=(\S+)/.exec(lines[3] ?? '')?.[1] ?? '').split('').reverse().join('');
    expect(token).toMatch(/^ghs_/);
    await expect(contractClient(github, token).rest.repos.get(here)).rejects.toMatchObject({ status: 401 });
  });
});

describe('a fork', () => {
  const reveal = [
    'echo "secret=[$SECRET] var=[$VAR] $GITHUB_EVENT_NAME"',
    ask('POST', '/repos/octo/plugins/issues/1/comments', { body: 'hi' }),
  ].join(' && ');
  const job = `${writing}\nenvironment: production\nenv: { SECRET: '\${{ secrets.KEY }}\${{ secrets.PROD }}', VAR: '\${{ vars.V }}' }`;
  const settings = {
    [fullName]: {
      secrets: { KEY: 'k-e-y' },
      vars: { V: 'v' },
      environments: { production: { secrets: { PROD: 'h-i-d' } } },
    },
  };

  it('gets no secrets, no variables and a token that only reads, unless the default branch runs', async () => {
    await using place = await openService({
      files: {
        '.github/workflows/own.yml': workflow('own', 'pull_request', 'echo base'),
        '.github/workflows/target.yml': workflow('target', 'pull_request_target', reveal, job),
      },
      repositories: settings,
    });
    const { client, clientOf, settled, lines } = place;
    const ada = clientOf('ada-token');
    await addBranch(ada, 'evil', 'ada');
    const changed = workflow('own', 'pull_request', reveal, job);
    await putFile(ada, '.github/workflows/own.yml', changed, { branch: 'evil', owner: 'ada' });
    await ada.rest.pulls.create({ ...here, title: 'Evil', head: 'ada:evil', base: 'main' });
    const runs = await settled();
    expect(lines.toSorted()).toEqual([
      'own: /repos/octo/plugins/issues/1/comments 403',
      'own: secret=[] var=[] pull_request',
      'target: /repos/octo/plugins/issues/1/comments 201',
      'target: secret=[******] var=[v] pull_request_target',
    ]);
    expect(runs.map(({ headRepository, actor }) => [headRepository, actor])).toEqual([
      ['ada/plugins', 'ada'],
      ['ada/plugins', 'ada'],
    ]);
    // The same from a branch of the repository itself.
    await addBranch(client, 'good');
    await putFile(client, '.github/workflows/own.yml', changed, { branch: 'good' });
    await client.rest.pulls.create({ ...here, title: 'Good', head: 'good', base: 'main' });
    await settled();
    expect(lines).toContain('own: secret=[******] var=[v] pull_request');
    expect(lines).toContain('own: /repos/octo/plugins/issues/1/comments 201');
  });

  it('starts nothing in the repository by what it pushes at home', async () => {
    await using place = await openService({ files: { '.github/workflows/own.yml': workflow('own', 'push') } });
    const ada = place.clientOf('ada-token');
    await putFile(ada, 'x', 'x', { owner: 'ada' });
    expect(await place.settled()).toEqual([]);
  });
});

it('lets only the branches of an environment deploy to it', async () => {
  await using place = await openService({
    files: { '.github/workflows/a.yml': workflow('a', 'push', 'echo "[${{ secrets.S }}]"', 'environment: production') },
    repositories: { [fullName]: { environments: { production: { secrets: { S: 'x-y' }, branches: ['main', 'v*'] } } } },
  });
  const { client, settled, lines } = place;
  await addBranch(client, 'other');
  const [refused] = await settled();
  expect(refused?.conclusion).toBe('failure');
  expect(refused?.results[0]?.error).toBe(
    'Branch "other" is not allowed to deploy to production due to environment protection rules.',
  );
  await putFile(client, 'x', 'x');
  expect((await settled()).at(-1)?.conclusion).toBe('success');
  expect(lines).toEqual(['a: [***]']);
  const { data } = await client.rest.repos.getAllEnvironments(here);
  expect(data.environments?.map(({ name }) => name)).toEqual(['production']);
});
