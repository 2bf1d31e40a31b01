import { describe, expect, it } from 'vitest';
import { runGit } from '../github/git/git-command.ts';
import { addBranch, fullName, here, openService, putFile, workflow } from './service-fixture.ts';

const print = 'echo "$GITHUB_EVENT_NAME $GITHUB_REF $GITHUB_SHA $GITHUB_ACTOR"';

describe('push', () => {
  it('runs the file of the branch that was pushed, on its commit', async () => {
    await using place = await openService({ files: { '.github/workflows/a.yml': workflow('old', 'push') } });
    const { client, settled, lines } = place;
    await addBranch(client, 'next');
    const sha = await putFile(client, '.github/workflows/a.yml', workflow('new', 'push', print), { branch: 'next' });
    const runs = await settled();
    expect(runs.map(({ name, headBranch, event, conclusion }) => [name, headBranch, event, conclusion])).toEqual([
      ['old', 'next', 'push', 'success'],
      ['new', 'next', 'push', 'success'],
    ]);
    expect(lines).toContain(`new: push refs/heads/next ${sha} sandbox-admin`);
    expect(runs[1]?.title).toBe('Change .github/workflows/a.yml');
    expect(runs[1]?.payload).toMatchObject({
      ref: 'refs/heads/next',
      after: sha,
      created: false,
      deleted: false,
      head_commit: { id: sha },
      commits: [{ id: sha }],
      repository: { full_name: fullName },
      sender: { login: 'sandbox-admin' },
    });
  });

  it('looks at branches, tags and paths', async () => {
    await using place = await openService({
      files: {
        '.github/workflows/branches.yml': workflow('branches', "{ push: { branches: [main, 'v*', '!v0'] } }"),
        '.github/workflows/others.yml': workflow('others', '{ push: { branches-ignore: [main] } }'),
        '.github/workflows/tags.yml': workflow('tags', "{ push: { tags: ['v*'] } }"),
        '.github/workflows/paths.yml': workflow('paths', "{ push: { paths: ['docs/**'] } }"),
        '.github/workflows/code.yml': workflow('code', "{ push: { paths-ignore: ['docs/**'] } }"),
      },
    });
    const { client, service } = place;
    const started = async (change: () => Promise<unknown>): Promise<string[]> => {
      const before = service.runs.length;
      await change();
      await service.idle();
      return service.runs
        .slice(before)
        .map(({ name }) => name)
        .sort();
    };
    expect(await started(() => putFile(client, 'docs/a.md', 'a'))).toEqual(['branches', 'paths']);
    expect(await started(() => putFile(client, 'src/a.ts', 'a'))).toEqual(['branches', 'code']);
    await addBranch(client, 'v0');
    await service.idle();
    expect(await started(() => putFile(client, 'src/b.ts', 'b', { branch: 'v0' }))).toEqual(['code', 'others']);
    const { data } = await client.rest.git.getRef({ ...here, ref: 'heads/main' });
    const tag = { ...here, ref: 'refs/tags/v1', sha: data.object.sha };
    expect(await started(() => client.rest.git.createRef(tag))).toEqual(['code', 'paths', 'tags']);
    expect(service.runs.at(-1)?.headBranch).toBe('v1');
  });

  it('follows from a merge and from a push by git', async () => {
    await using place = await openService({ files: { '.github/workflows/a.yml': workflow('a', 'push') } });
    const { client, github, service } = place;
    await addBranch(client, 'next');
    const head = await putFile(client, 'x', 'x', { branch: 'next' });
    const { data } = await client.rest.pulls.create({ ...here, title: 'X', head: 'next', base: 'main' });
    const { data: merged } = await client.rest.pulls.merge({ ...here, pull_number: data.number });
    const url = `${github.serverUrl.replace('//', '//x:ada-token@')}/octo/plugins.git`;
    const path = github.repositoryPath(fullName);
    await runGit(path, ['push', '-q', url, `${head}:refs/heads/pushed`, `${head}:refs/tags/v1`, ':refs/heads/next']);
    await service.idle();
    expect(service.runs.map(({ actor, payload }) => [actor, payload['ref'], payload['after']])).toEqual([
      ['sandbox-admin', 'refs/heads/next', expect.stringMatching(/[1-9a-f]/)],
      ['sandbox-admin', 'refs/heads/next', head],
      ['sandbox-admin', 'refs/heads/main', merged.sha],
      ['ada', 'refs/heads/next', '0'.repeat(40)],
      ['ada', 'refs/heads/pushed', head],
      ['ada', 'refs/tags/v1', head],
    ]);
  });

  it('runs the default branch when a branch is deleted, and nothing when the commit asks for it', async () => {
    await using place = await openService({ files: { '.github/workflows/a.yml': workflow('a', 'push') } });
    const { client, settled } = place;
    await putFile(client, 'x', 'x', { message: 'Change [skip ci]' });
    expect(await settled()).toEqual([]);
    await addBranch(client, 'gone');
    await client.rest.git.deleteRef({ ...here, ref: 'heads/gone' });
    const runs = await settled();
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ headBranch: 'main', payload: { ref: 'refs/heads/gone', deleted: true } });
  });
});

describe('files', () => {
  it('makes a failed run of one that cannot be read, and of one that cannot be run', async () => {
    await using place = await openService({
      files: {
        '.github/workflows/broken.yml': 'on: [push\njobs: {}',
        '.github/workflows/both.yml': workflow('both', '{ push: { branches: [a], branches-ignore: [b] } }'),
        '.github/workflows/unknown.yml': workflow('unknown', 'push', 'echo', 'nonsense: 1'),
        '.github/workflows/good.yml': workflow('good', 'push'),
      },
    });
    await putFile(place.client, 'x', 'x');
    const runs = await place.settled();
    expect(runs.map(({ name, conclusion, reason }) => [name, conclusion, reason])).toEqual([
      ['.github/workflows/both.yml', 'failure', expect.stringContaining('both branches and branches-ignore')],
      ['.github/workflows/broken.yml', 'failure', expect.stringContaining('.github/workflows/broken.yml')],
      ['good', 'success', null],
      ['unknown', 'failure', expect.stringContaining('nonsense')],
    ]);
  });
});

describe('schedule and repository_dispatch', () => {
  it('start the default branch, the one by the clock, the other by its type', async () => {
    const show = 'echo ${{ github.event.schedule }}${{ github.event.client_payload.x }} $GITHUB_REF $GITHUB_ACTOR';
    await using place = await openService({
      files: {
        '.github/workflows/nightly.yml': workflow('nightly', "{ schedule: [{ cron: '0 3 * * *' }] }", show),
        '.github/workflows/hourly.yml': workflow('hourly', "{ schedule: [{ cron: '0 * * * *' }] }", show),
        '.github/workflows/asked.yml': workflow('asked', '{ repository_dispatch: { types: [go] } }', show),
      },
    });
    const { client, service, lines } = place;
    await service.tick(fullName, '0 3 * * *');
    await service.idle();
    expect(lines).toEqual(['nightly: 0 3 * * * refs/heads/main octo']);
    await service.tick(fullName);
    await service.idle();
    expect(service.runs.map(({ name }) => name).sort()).toEqual(['hourly', 'nightly', 'nightly']);
    await client.rest.repos.createDispatchEvent({ ...here, event_type: 'stop' });
    await client.rest.repos.createDispatchEvent({ ...here, event_type: 'go', client_payload: { x: 'now' } });
    await service.idle();
    expect(service.runs).toHaveLength(4);
    expect(lines.at(-1)).toBe('asked: now refs/heads/main sandbox-admin');
  });
});
