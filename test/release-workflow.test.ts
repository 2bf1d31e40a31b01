import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './bundle.ts';
import { type Job, mapping, readWorkflow, type Step } from './workflow-lint/read-workflow.ts';

const root = join(import.meta.dirname, '..');
const read = (name: string) => {
  const file = `.github/workflows/${name}.yml`;
  return readWorkflow({ file, text: readFileSync(join(root, file), 'utf8') });
};
const [release, preview] = [read('release'), read('preview')];

function jobOf({ jobs }: typeof release, id: string): Job {
  const job = jobs.find((each) => each.id === id);
  if (job === undefined) throw new Error(`There is no job ${id}.`);
  return job;
}

const nameOf = ({ value }: Step): unknown => value['name'];

/** Runs a step's script as GitHub's runner does, in a directory of its own. */
function runStep(job: Job, name: string, env: Readonly<Record<string, string>>, cwd = temporaryDirectory()) {
  const script = job.steps.find((step) => nameOf(step) === name)?.value['run'];
  if (typeof script !== 'string') throw new Error(`${job.id} has no script '${name}'.`);
  const path = process.env['PATH'] ?? '';
  const { status, stdout } = spawnSync('bash', ['-e', '-c', script], {
    cwd,
    env: { ...env, PATH: `${cwd}:${path}` },
    encoding: 'utf8',
  });
  return { status, stdout };
}

describe.each([
  ['release', release],
  ['preview', preview],
])('%s', (_, workflow) => {
  it('fails on another branch than main, and does nothing else then', () => {
    const asked = jobOf(workflow, 'asked');
    expect(asked.value['if']).toBeUndefined();
    expect(runStep(asked, 'Is this main?', { GITHUB_REF: 'refs/heads/main' })).toEqual({ status: 0, stdout: '' });
    for (const ref of ['refs/heads/mine', 'refs/tags/main', 'refs/heads/main2']) {
      const refused = { status: 1, stdout: expect.stringMatching(/^::error::.*Dispatch again, with the branch main/) };
      expect(runStep(asked, 'Is this main?', { GITHUB_REF: ref }), ref).toEqual(refused);
    }
    const leads = (id: string): boolean => id === 'asked' || jobOf(workflow, id).needs.some(leads);
    expect(workflow.jobs.filter(({ id }) => !leads(id))).toEqual([]);
  });

  it('takes what its own build kept, by its id', () => {
    expect(mapping(jobOf(workflow, 'build').value['outputs'])).toEqual({
      tree: '${{ steps.tree.outputs.artifact-id }}',
    });
    const downloads = workflow.jobs.flatMap((job) =>
      job.steps.filter(({ uses }) => uses?.startsWith('actions/download-artifact@')).map((step) => ({ job, step })),
    );
    expect(downloads.length).toBeGreaterThan(0);
    for (const { job, step } of downloads) {
      expect(job.needs).toContain('build');
      expect(step.with).toEqual({ 'artifact-ids': '${{ needs.build.outputs.tree }}', path: 'release-tree' });
    }
  });
});

describe('a roll back', () => {
  it('does not wait for a release, which waits for its approval', () => {
    expect(mapping(release.value['concurrency'])['group']).toBe('release-${{ inputs.mode }}');
  });

  it('is not run again', () => {
    const job = jobOf(release, 'roll-back');
    expect(job.steps.findIndex((step) => nameOf(step) === 'Is this the first attempt?')).toBe(0);
    expect(runStep(job, 'Is this the first attempt?', { GITHUB_RUN_ATTEMPT: '1' }).status).toBe(0);
    const again = runStep(job, 'Is this the first attempt?', { GITHUB_RUN_ATTEMPT: '2' });
    expect(again).toEqual({ status: 1, stdout: expect.stringContaining('Dispatch a new one.') });
  });
});

describe('what is pushed', () => {
  const job = jobOf(release, 'publish');
  const NAME = 'Is every file what this workflow attested, at this commit?';

  it('is attested whole, and looked at before there is a token that can push', () => {
    const attest = jobOf(release, 'attest').steps.find(({ uses }) => uses?.startsWith('actions/attest'));
    expect(attest?.with).toEqual({ 'subject-path': 'release-tree/**' });
    const order = job.steps.map((step) => step.id ?? nameOf(step)).filter((each) => each === NAME || each === 'app');
    expect(order).toEqual([NAME, 'app']);
  });

  it('has an attestation for each file, whatever it is called', () => {
    const cwd = temporaryDirectory();
    mkdirSync(join(cwd, 'release-tree/.github/workflows'), { recursive: true });
    const names = ['.github/workflows/x.yml', 'README.md', 'a b', '-x', 'z'];
    for (const name of names) writeFileSync(join(cwd, 'release-tree', name), name);
    // Stands for the command that asks GitHub: refuses one file, and writes down what it was asked.
    writeFileSync(join(cwd, 'gh'), '#!/bin/sh\necho "$@" >> asked; ! grep -qxe "$BAD" "$3"\n', { mode: 0o755 });
    const env = { GITHUB_REPOSITORY: 'org/actions', GITHUB_SHA: 'c0ffee' };
    expect(runStep(job, NAME, { ...env, BAD: 'none' }, cwd).status).toBe(0);
    const asked = readFileSync(join(cwd, 'asked'), 'utf8').trim().split('\n').sort();
    const rest =
      '--repo org/actions --deny-self-hosted-runners --signer-workflow org/actions/.github/workflows/release.yml ' +
      '--source-digest c0ffee --source-ref refs/heads/main';
    expect(asked).toEqual(names.map((name) => `attestation verify release-tree/${name} ${rest}`).sort());
    for (const bad of names) expect(runStep(job, NAME, { ...env, BAD: bad }, cwd).status, bad).toBe(1);
  });
});
