import { describe, expect, it } from 'vitest';
import { addBranch, fullName, here, openService, putFile, workflow } from './service-fixture.ts';

const inputs = `
  workflow_dispatch:
    inputs:
      reason: { required: true, type: string }
      dry: { type: boolean, default: false }
      level: { type: choice, options: [low, high] }`;

const typed = 'echo "${{ inputs.reason }} ${{ inputs.dry == false }} ${{ github.event.inputs.level }} $GITHUB_REF"';

describe('a dispatch', () => {
  it('is held against the file, and tells which run it started', async () => {
    await using place = await openService({ files: { '.github/workflows/d.yml': workflow('d', inputs, typed) } });
    const { client, settled, lines } = place;
    const at = { ...here, workflow_id: 'd.yml', ref: 'main' };
    const { rest } = client;
    await expect(rest.actions.createWorkflowDispatch(at)).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining("Required input 'reason' not provided"),
    });
    const given = { reason: 'why' };
    const start = (more: object) => rest.actions.createWorkflowDispatch({ ...at, inputs: { ...given, ...more } });
    await expect(start({ other: 'x' })).rejects.toThrow('Unexpected inputs provided: ["other"]');
    await expect(start({ level: 'middle' })).rejects.toThrow('not in the list of allowed values');
    await expect(start({ dry: 'perhaps' })).rejects.toThrow('not a boolean');
    await expect(rest.actions.createWorkflowDispatch({ ...at, ref: 'absent', inputs: given })).rejects.toThrow(
      'No ref found for: absent',
    );
    await expect(
      rest.actions.createWorkflowDispatch({ ...at, workflow_id: 'absent.yml', inputs: given }),
    ).rejects.toMatchObject({ status: 404 });
    const { data: known } = await rest.actions.listRepoWorkflows(here);
    expect(known.workflows.map(({ name, path }) => [name, path])).toEqual([['d', '.github/workflows/d.yml']]);
    const { data } = await rest.actions.createWorkflowDispatch({
      ...at,
      workflow_id: known.workflows[0]?.id ?? 0,
      inputs: given,
      return_run_details: true,
    });
    const [run] = await settled();
    expect(run).toMatchObject({ name: 'd', event: 'workflow_dispatch', conclusion: 'success' });
    expect(data).toMatchObject({ workflow_run_id: run?.id });
    expect(lines).toEqual(['d: why true low refs/heads/main']);
  });

  it('runs the file of the branch that was chosen, if the default branch has one, too', async () => {
    const path = '.github/workflows/d.yml';
    await using place = await openService({ files: { [path]: workflow('main', 'workflow_dispatch') } });
    const { client, settled } = place;
    await addBranch(client, 'next');
    await putFile(client, path, workflow('next', 'workflow_dispatch'), { branch: 'next' });
    await putFile(client, '.github/workflows/new.yml', workflow('new', 'workflow_dispatch'), { branch: 'next' });
    const at = { ...here, ref: 'next' };
    await client.rest.actions.createWorkflowDispatch({ ...at, workflow_id: 'd.yml' });
    await expect(client.rest.actions.createWorkflowDispatch({ ...at, workflow_id: 'new.yml' })).rejects.toMatchObject({
      status: 404,
    });
    await addBranch(client, 'empty');
    await client.rest.repos.deleteFile({
      ...here,
      path,
      branch: 'empty',
      message: 'Remove',
      sha: await blobOf(client, path, 'empty'),
    });
    await expect(
      client.rest.actions.createWorkflowDispatch({ ...here, workflow_id: 'd.yml', ref: 'empty' }),
    ).rejects.toThrow("Workflow does not have 'workflow_dispatch' trigger");
    expect((await settled()).map(({ name, headBranch }) => [name, headBranch])).toEqual([['next', 'next']]);
  });
});

async function blobOf(client: Awaited<ReturnType<typeof openService>>['client'], path: string, ref: string) {
  const { data } = await client.rest.repos.getContent({ ...here, path, ref });
  return 'sha' in data ? data.sha : '';
}

const two = `
name: two
on: push
jobs:
  first:
    runs-on: ubuntu-latest
    outputs: { made: '\${{ steps.s.outputs.made }}' }
    steps:
      - id: s
        run: echo "made=$GITHUB_RUN_ATTEMPT" >> "$GITHUB_OUTPUT"
  second:
    needs: first
    runs-on: ubuntu-latest
    permissions: { issues: read }
    steps:
      - run: echo "\${{ needs.first.outputs.made }} $GITHUB_RUN_ATTEMPT $GITHUB_ACTOR $GITHUB_TRIGGERING_ACTOR $GITHUB_SHA"
      - run: test "$GITHUB_RUN_ATTEMPT" != 1
`;

describe('runs', () => {
  it('are listed, and run again from where they failed', async () => {
    await using place = await openService({ files: { '.github/workflows/two.yml': two } });
    const { client, clientOf, service, lines } = place;
    const sha = await putFile(client, 'x', 'x');
    await service.idle();
    const list = async (filter: object) =>
      (await client.rest.actions.listWorkflowRunsForRepo({ ...here, ...filter })).data;
    const { workflow_runs: runs } = await list({ status: 'failure', event: 'push', branch: 'main', head_sha: sha });
    expect(runs).toMatchObject([{ name: 'two', run_number: 1, run_attempt: 1, head_sha: sha, conclusion: 'failure' }]);
    expect((await list({ status: 'success' })).total_count).toBe(0);
    expect((await list({ event: 'schedule' })).total_count).toBe(0);
    const run = { ...here, run_id: runs[0]?.id ?? 0 };
    const jobs = async () => (await client.rest.actions.listJobsForWorkflowRun(run)).data.jobs;
    expect((await jobs()).map(({ name, conclusion, run_attempt }) => [name, conclusion, run_attempt])).toEqual([
      ['first', 'success', 1],
      ['second', 'failure', 1],
    ]);
    await clientOf('bob-token').rest.actions.reRunWorkflowFailedJobs(run);
    await service.idle();
    expect((await client.rest.actions.getWorkflowRun(run)).data).toMatchObject({
      run_attempt: 2,
      conclusion: 'success',
      actor: { login: 'sandbox-admin' },
      triggering_actor: { login: 'bob' },
    });
    expect((await jobs()).map(({ name, conclusion, run_attempt }) => [name, conclusion, run_attempt]).sort()).toEqual([
      ['first', 'success', 2],
      ['second', 'success', 2],
    ]);
    await client.rest.actions.reRunWorkflow(run);
    await service.idle();
    expect(lines).toEqual([
      `two: 1 1 sandbox-admin sandbox-admin ${sha}`,
      `two: 1 2 sandbox-admin bob ${sha}`,
      `two: 3 3 sandbox-admin sandbox-admin ${sha}`,
    ]);
    expect(service.runs).toHaveLength(1);
    const { data: checks } = await client.rest.checks.listForRef({ ...here, ref: sha });
    expect(checks.check_runs.map(({ name, conclusion }) => [name, conclusion]).sort()).toEqual([
      ['first', 'success'],
      ['second', 'success'],
    ]);
  });

  it('are cancelled, and have ids that grow', async () => {
    const begun = Promise.withResolvers<void>();
    await using place = await openService({
      files: { '.github/workflows/a.yml': workflow('a', 'push', 'echo begun; sleep 60') },
      onLine: () => begun.resolve(),
    });
    const { client, service } = place;
    await putFile(client, 'x', 'x');
    await begun.promise;
    const run = { ...here, run_id: service.runs[0]?.id ?? 0 };
    await expect(client.rest.actions.reRunWorkflow(run)).rejects.toMatchObject({ status: 403 });
    expect((await client.rest.actions.cancelWorkflowRun(run)).status).toBe(202);
    await service.idle();
    expect(service.runs[0]).toMatchObject({ status: 'completed', conclusion: 'cancelled' });
    await expect(client.rest.actions.cancelWorkflowRun(run)).rejects.toMatchObject({ status: 409 });
    await addBranch(client, 'next');
    await service.close();
    const [first, second] = service.runs;
    expect(second?.id).toBeGreaterThan(first?.id ?? Number.POSITIVE_INFINITY);
    expect(second?.conclusion).toBe('cancelled');
  });

  it('end where the machine dies, and are healed by another attempt', async () => {
    await using place = await openService({
      files: { '.github/workflows/a.yml': workflow('a', 'push', 'echo alive; sleep 60 & sleep 0.1') },
      killer: { atLine: (line) => line === 'alive' },
    });
    const { client, service } = place;
    await putFile(client, 'x', 'x');
    await service.idle();
    expect(service.runs[0]).toMatchObject({
      conclusion: 'failure',
      results: [{ error: expect.stringMatching(/lost/) }],
    });
    service.setKiller(undefined);
    await client.rest.actions.reRunWorkflow({ ...here, run_id: service.runs[0]?.id ?? 0 });
    await service.idle();
    expect(service.runs).toMatchObject([{ conclusion: 'success', attempt: 2 }]);
  });

  it('wait for each other in a group of their repository', async () => {
    const group = 'concurrency: { group: one, queue: max }';
    await using place = await openService({
      files: {
        '.github/workflows/a.yml': workflow('a', 'push', 'echo in; sleep 0.1; echo out', group),
        '.github/workflows/b.yml': workflow('b', 'push', 'echo in; sleep 0.1; echo out', group),
      },
    });
    await putFile(place.client, 'x', 'x');
    await place.settled();
    expect(place.lines.map((line) => line.split(': ')[1])).toEqual(['in', 'out', 'in', 'out']);
  });

  it('happen where they were asked for only', async () => {
    await using place = await openService({
      files: { '.github/workflows/a.yml': workflow('a', 'push') },
      repositories: { 'ada/plugins': {} },
    });
    await putFile(place.client, 'x', 'x');
    expect(await place.settled()).toEqual([]);
    await expect(place.service.tick('octo/absent')).rejects.toThrow('there is no repository octo/absent');
    expect(place.github.site.actions?.runsOf(fullName)).toEqual([]);
  });
});
