import type { ServiceRun } from '@slipway/sandbox/actions-service/options';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DISTRIBUTIONS, MAINTAINER, STORAGE } from '../../scripts/demo/cast.ts';
import { assembledTree } from '../assembled.ts';
import { type ChainPlace, openChain } from './chain-place.ts';
import { readStorageEnd } from './storage-end.ts';

const NAMES = Array.from({ length: 10 }, (_, index) => `probe_${index}`);

/** The repository of the distributions' images. */
const IMAGES = 'package-registry/distribution';

let place: ChainPlace;

function manifestOf(name: string): string {
  return ['format_version: 1.0.0', `name: ${name}`, `title: ${name}`, 'version: 1.0.0', 'type: integration', ''].join(
    '\n',
  );
}

/** Makes commits, one upon the other, each with one package more. */
async function commitEach(branch: string, names: readonly string[]): Promise<string[]> {
  const storage = place.storage(MAINTAINER);
  const { object } = await storage.send<{ object: Commit }>('GET', `/git/ref/heads/${branch}`);
  let parent = object.sha;
  const commits: string[] = [];
  for (const name of names) {
    const { tree: base } = await storage.send<{ tree: Commit }>('GET', `/git/commits/${parent}`);
    const blob = {
      path: `packages/${name}/1.0.0/manifest.yml`,
      type: 'blob',
      mode: '100644',
      content: manifestOf(name),
    };
    const tree = await storage.send<Commit>('POST', '/git/trees', { base_tree: base.sha, tree: [blob] });
    const body = { message: `Add ${name}`, tree: tree.sha, parents: [parent] };
    parent = (await storage.send<Commit>('POST', '/git/commits', body)).sha;
    commits.push(parent);
  }
  return commits;
}

interface Commit {
  readonly sha: string;
}

/** Pushes ten commits without waiting for what follows, and returns the runs of all that this sets off. */
async function pushTenTimes(branch: string): Promise<readonly ServiceRun[]> {
  return pushEach(branch, await commitEach(branch, NAMES));
}

async function pushEach(branch: string, commits: readonly string[]): Promise<readonly ServiceRun[]> {
  for (const sha of commits) await place.storage(MAINTAINER).send('PATCH', `/git/refs/heads/${branch}`, { sha });
  // GitHub calls a run cancelled whose place in the queue a newer one has taken.
  return (await place.chain.settle(['distribution'])).filter(({ name }) => name === 'distribution');
}

/** The results of the steps of a distribution that did something. */
function resultsOf(runs: readonly ServiceRun[], job: string, step: string): string[] {
  const jobs = runs.flatMap(({ results }) => results).filter(({ id }) => id.endsWith(job));
  const steps = jobs.flatMap(({ steps }) => steps).filter(({ id }) => id === step);
  return steps.flatMap(({ outputs }) => outputs['result'] ?? []);
}

beforeAll(async () => {
  place = await openChain(await assembledTree());
  for (const distribution of DISTRIBUTIONS) {
    await place.storage(MAINTAINER).dispatch('roll-out.yml', { distribution });
    await place.chain.settle();
  }
});

afterAll(() => place?.[Symbol.asyncDispose]());

describe('ten pushes at once', () => {
  it('to snapshot are built and rolled out twice at the most, and nothing of them is skipped', async () => {
    const runs = await pushTenTimes('snapshot');
    expect(runs).toHaveLength(NAMES.length);
    const ended = runs.map(({ conclusion }) => conclusion);
    expect(ended.filter((conclusion) => conclusion === 'success').length).toBeLessThanOrEqual(2);
    expect(new Set(ended)).toEqual(new Set(['success', 'cancelled']));
    expect(ended.at(-1)).toBe('success');
    expect(resultsOf(runs, 'update / build', 'build').length).toBeLessThanOrEqual(2);
    expect(resultsOf(runs, 'update / rollout', 'rollout').length).toBeLessThanOrEqual(2);

    const { snapshot } = (await readStorageEnd(place)).distributions;
    expect(snapshot).toMatchObject({ isOfHead: true, isRunning: true });
    expect(snapshot?.served).toEqual(expect.arrayContaining(NAMES.map((name) => `${name}-1.0.0`)));
  });

  it('to staging are removed from snapshot, all of them', async () => {
    place.stage.sandbox.github.setProtection(STORAGE, 'staging', undefined);
    const runs = await pushTenTimes('staging');
    expect(runs.filter(({ conclusion }) => conclusion === 'success').length).toBeLessThanOrEqual(2);
    for (const job of ['update', 'cascade (snapshot)']) {
      expect(resultsOf(runs, `${job} / build`, 'build').length).toBeLessThanOrEqual(2);
      expect(resultsOf(runs, `${job} / rollout`, 'rollout').length).toBeLessThanOrEqual(2);
    }

    const { distributions } = await readStorageEnd(place);
    for (const name of ['staging', 'snapshot']) {
      expect(distributions[name]).toMatchObject({ isOfHead: true, isRunning: true });
    }
    const storage = place.storage(MAINTAINER);
    const [removal, ...others] = await storage.send<{ number: number; head: { ref: string } }[]>(
      'GET',
      '/pulls?state=open&base=snapshot',
    );
    expect(others).toEqual([]);
    const files = await storage.send<{ filename: string; status: string }[]>(
      'GET',
      `/pulls/${removal?.number}/files?per_page=100`,
    );
    const removed = files.filter(({ status }) => status === 'removed').map(({ filename }) => filename);
    expect(removed.sort()).toEqual(NAMES.map((name) => `packages/${name}/1.0.0/manifest.yml`).sort());
  });
});

describe('pushes to production without a pull request', () => {
  it('are reported each in its own run, those too that are not built', async () => {
    place.stage.sandbox.github.setProtection(STORAGE, 'production', undefined);
    const commits = await commitEach('production', ['first', 'second', 'third', 'fourth']);
    const before = place.lines.length;
    const runs = await pushEach('production', commits);
    expect(runs).toHaveLength(commits.length);
    // The second and the third were behind one that ran, and a newer one came.
    expect(resultsOf(runs, 'update / build', 'build').length).toBeLessThanOrEqual(2);
    const verdicts = runs.map(({ results }) => results.find(({ id }) => id === 'push / gate')?.result);
    expect(verdicts).toEqual(commits.map(() => 'failure'));
    const said = place.lines.slice(before).join('\n');
    for (const commit of commits) expect(said).toContain(`${commit} was pushed to 'production' without a pull request`);
  });
});

describe('a tag of a version', () => {
  it('gives the image of its commit a name that stays', async () => {
    const storage = place.storage(MAINTAINER);
    const { object } = await storage.send<{ object: { sha: string } }>('GET', '/git/ref/heads/production');
    await storage.send('POST', '/git/refs', { ref: 'refs/tags/7.9.0', sha: object.sha });
    const runs = await place.chain.settle();
    expect(runs.map(({ name, event }) => [name, event])).toEqual([['tag', 'push']]);
    const { state } = place.stage.sandbox.target;
    const shown = (await state.manifest(IMAGES, '7.9.0'))?.digest;
    expect([shown, shown]).toEqual([
      (await state.manifest(IMAGES, 'production'))?.digest,
      (await state.manifest(IMAGES, object.sha))?.digest,
    ]);
  });
});
