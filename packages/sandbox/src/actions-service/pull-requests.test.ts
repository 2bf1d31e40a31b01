import { describe, expect, it } from 'vitest';
import { commitFiles } from '../github/seed.ts';
import { addBranch, fullName, here, openService, putFile, type ServicePlace, workflow } from './service-fixture.ts';

const show = 'echo "$GITHUB_EVENT_NAME ${{ github.event.action }} $GITHUB_REF $GITHUB_SHA"';

const all = (event: string): string =>
  `{ ${event}: { types: [opened, edited, reopened, closed, synchronize, labeled, unlabeled, ready_for_review] } }`;

/** Opens a pull request of sandbox-admin from a new branch. */
async function openPull({ client }: ServicePlace, branch = 'change', draft = false): Promise<number> {
  await addBranch(client, branch);
  await putFile(client, 'a.txt', branch, { branch });
  const { data } = await client.rest.pulls.create({ ...here, title: 'A', head: branch, base: 'main', draft });
  return data.number;
}

describe('pull_request and pull_request_target', () => {
  it('tell every action, with the payload that says what changed', async () => {
    await using place = await openService({ files: { '.github/workflows/p.yml': workflow('p', all('pull_request')) } });
    const { client, clientOf, service } = place;
    const number = await openPull(place, 'change', true);
    const pull = { ...here, pull_number: number };
    const issue = { ...here, issue_number: number };
    await client.rest.pulls.update({ ...pull, title: 'B', body: 'why' });
    await clientOf('bob-token').rest.issues.addLabels({ ...issue, labels: ['x', 'y'] });
    await client.rest.issues.removeLabel({ ...issue, name: 'x' });
    const ready =
      'mutation ($id: ID!) { markPullRequestReadyForReview(input: { pullRequestId: $id }) { pullRequest { id } } }';
    const { node_id: id } = (await client.rest.pulls.get(pull)).data;
    const headers = { authorization: 'Bearer sandbox-token' };
    const body = JSON.stringify({ query: ready, variables: { id } });
    await fetch(place.github.graphqlUrl, { method: 'POST', headers, body });
    await client.rest.pulls.update({ ...pull, state: 'closed' });
    await client.rest.pulls.update({ ...pull, state: 'open' });
    const sha = await putFile(client, 'b.txt', 'b', { branch: 'change' });
    await client.rest.pulls.merge(pull);
    await service.idle();
    const told = service.runs.map(({ payload, actor }) => ({ ...payload, actor }));
    expect(told).toMatchObject([
      { action: 'opened', number, pull_request: { title: 'A', draft: true, mergeable: true } },
      { action: 'edited', changes: { title: { from: 'A' }, body: { from: null } }, pull_request: { title: 'B' } },
      { action: 'labeled', label: { name: 'x' }, actor: 'bob', sender: { login: 'bob' } },
      { action: 'labeled', label: { name: 'y' }, pull_request: { labels: [{ name: 'x' }, { name: 'y' }] } },
      { action: 'unlabeled', label: { name: 'x' } },
      { action: 'ready_for_review', pull_request: { draft: false } },
      { action: 'closed', pull_request: { merged: false } },
      { action: 'reopened', pull_request: { state: 'open' } },
      { action: 'synchronize', after: sha, pull_request: { head: { sha } } },
      { action: 'closed', pull_request: { merged: true, merged_by: { login: 'sandbox-admin' } } },
    ]);
  });

  it('take the file of the merge for one, of the default branch for the other', async () => {
    const target = '.github/workflows/t.yml';
    const own = '.github/workflows/p.yml';
    await using place = await openService({
      files: { [own]: workflow('base', 'pull_request', show), [target]: workflow('base', 'pull_request_target', show) },
    });
    const { client, github, lines, settled } = place;
    await addBranch(client, 'change');
    await putFile(client, own, workflow('head', 'pull_request', show), { branch: 'change' });
    const head = await putFile(client, target, workflow('head', 'pull_request_target', show), { branch: 'change' });
    const { data } = await client.rest.pulls.create({ ...here, title: 'A', head: 'change', base: 'main' });
    const runs = await settled();
    const merge = `refs/pull/${data.number}/merge`;
    const git = github.site.find(fullName)?.git;
    const shas = [(await git?.ref(merge))?.oid, await git?.branch('main')];
    expect(lines.toSorted()).toEqual([
      `base: pull_request_target opened refs/heads/main ${shas[1]}`,
      `head: pull_request opened ${merge} ${shas[0]}`,
    ]);
    expect(runs.map(({ headSha, headBranch }) => [headSha, headBranch])).toEqual([
      [head, 'change'],
      [head, 'change'],
    ]);
    const { data: checks } = await client.rest.checks.listForRef({ ...here, ref: head });
    expect(checks.check_runs.map(({ name, app, conclusion }) => [name, app?.slug, app?.id, conclusion]).sort()).toEqual(
      [
        ['base-job', 'github-actions', 15368, 'success'],
        ['head-job', 'github-actions', 15368, 'success'],
      ],
    );
  });

  it('run by default when there is something new, and on the branch that was merged into', async () => {
    await using place = await openService({
      files: {
        '.github/workflows/d.yml': workflow('default', 'pull_request'),
        '.github/workflows/c.yml': workflow('closed', '{ pull_request: { types: [closed] } }', show),
        '.github/workflows/m.yml': workflow('other', '{ pull_request: { branches: [other] } }'),
        '.github/workflows/x.yml': workflow('paths', "{ pull_request: { paths: ['b*'] } }"),
      },
    });
    const { client, settled, lines } = place;
    const number = await openPull(place);
    await client.rest.issues.addLabels({ ...here, issue_number: number, labels: ['x'] });
    expect((await settled()).map(({ name }) => name)).toEqual(['default']);
    await putFile(client, 'b.txt', 'b', { branch: 'change' });
    expect((await settled()).slice(1).map(({ name }) => name)).toEqual(['default', 'paths']);
    await putFile(client, 'c.txt', 'c', { branch: 'change', message: 'C [ci skip]' });
    const { data } = await client.rest.pulls.merge({ ...here, pull_number: number });
    expect((await settled()).slice(3).map(({ name }) => name)).toEqual([]);
    // The merge asks for nothing; its pull request's last commit does.
    const next = await openPull(place, 'next');
    const { data: merged } = await client.rest.pulls.merge({ ...here, pull_number: next });
    await settled();
    expect(lines).toContain(`closed: pull_request closed refs/heads/main ${merged.sha}`);
    expect(data.merged).toBe(true);
  });

  it('run the target alone where the branches conflict', async () => {
    await using place = await openService({
      files: {
        'a.txt': 'a',
        '.github/workflows/p.yml': workflow('own', 'pull_request'),
        '.github/workflows/t.yml': workflow('target', 'pull_request_target'),
      },
    });
    const { client, settled } = place;
    await addBranch(client, 'change');
    await putFile(client, 'a.txt', 'b', { branch: 'change' });
    await putFile(client, 'a.txt', 'c');
    await client.rest.pulls.create({ ...here, title: 'A', head: 'change', base: 'main' });
    expect((await settled()).map(({ name }) => name)).toEqual(['target']);
  });

  it('close what lost its branch, by whoever deleted it', async () => {
    await using place = await openService({
      files: { '.github/workflows/t.yml': workflow('target', '{ pull_request_target: { types: [closed] } }') },
    });
    await openPull(place);
    await place.clientOf('bob-token').rest.git.deleteRef({ ...here, ref: 'heads/change' });
    expect(await place.settled()).toMatchObject([{ actor: 'bob', payload: { pull_request: { merged: false } } }]);
  });
});

describe('comments and reviews', () => {
  it('run the default branch for comments, and the merge for reviews', async () => {
    await using place = await openService({
      files: {
        '.github/workflows/c.yml': workflow('comment', 'issue_comment', show),
        '.github/workflows/r.yml': workflow('review', '{ pull_request_review: { types: [submitted] } }', show),
      },
    });
    const { client, clientOf, service, lines } = place;
    const number = await openPull(place);
    const issue = { ...here, issue_number: number };
    const { data: comment } = await clientOf('ada-token').rest.issues.createComment({ ...issue, body: 'one' });
    const place2 = { ...here, comment_id: comment.id };
    await clientOf('bob-token').rest.issues.updateComment({ ...place2, body: 'two' });
    await client.rest.issues.deleteComment(place2);
    await clientOf('ada-token').rest.pulls.createReview({ ...here, pull_number: number, event: 'APPROVE' });
    await service.idle();
    const told = service.runs.map(({ payload, actor, title }) => ({ ...payload, actor, title }));
    expect(told).toMatchObject([
      { action: 'created', actor: 'ada', title: 'A', comment: { body: 'one', user: { login: 'ada' } } },
      {
        action: 'edited',
        actor: 'bob',
        comment: { body: 'two', user: { login: 'ada' } },
        changes: { body: { from: 'one' } },
      },
      { action: 'deleted', issue: { number, pull_request: {} } },
      { action: 'submitted', review: { state: 'approved', user: { login: 'ada' } }, pull_request: { number } },
    ]);
    const main = await place.github.site.find(fullName)?.git.branch('main');
    expect(lines).toContain(`comment: issue_comment created refs/heads/main ${main}`);
    const review = `review: pull_request_review submitted refs/pull/${number}/merge `;
    expect(lines.filter((line) => line.startsWith(review))).toHaveLength(1);
  });

  it('do not run a file that only a pull request has', async () => {
    await using place = await openService({ files: { a: 'a' } });
    const { client, github, service } = place;
    const file = { '.github/workflows/c.yml': workflow('evil', 'issue_comment') };
    const base = await github.site.find(fullName)?.git.branch('main');
    await commitFiles(github.repositoryPath(fullName), 'evil', file, { message: 'Evil', parent: base ?? null });
    const { data } = await client.rest.pulls.create({ ...here, title: 'A', head: 'evil', base: 'main' });
    await client.rest.issues.createComment({ ...here, issue_number: data.number, body: 'x' });
    await service.idle();
    expect(service.runs).toEqual([]);
  });
});
