import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import type { EventContext } from '@slipway/core/github/event';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

let fixture: StorageFixture;
let green: number;
let red: number;
let unjudged: number;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  for (const branch of ['production', 'staging', 'snapshot']) {
    await fixture.commit(branch, packageFiles('base', '1.0.0'), null);
  }
  green = await open(packageFiles('new', '1.0.0'));
  red = await open({ 'packages/base': null });
  await gate();
  unjudged = await open({ x: '' });
  await fixture.commit('main', { '.github/slipway.yaml': 'storage: [\n' });
});

afterEach(() => fixture.close());

async function gate(texts: Record<string, string> = {}, event: Partial<EventContext> = {}) {
  const { repository, github } = fixture;
  const runtime = recordRuntime({ DOCKER_CONFIG: '/nonexistent' }, { repository, apiUrl: github.apiUrl, ...event });
  const running = run(inputsFrom(inputs, { token: 'sandbox-token', mode: 'gate', ...texts }), runtime);
  return { runtime, outputs: await running };
}

async function open(files: Parameters<StorageFixture['commit']>[1]): Promise<number> {
  const head = `change-${Math.random().toString(36).slice(2)}`;
  await fixture.commit(head, files, await fixture.id('snapshot'));
  return fixture.openPullRequest(head, 'snapshot', '[snapshot] Change');
}

async function headOf(number: number): Promise<string> {
  const { head } = (await fixture.call('GET', `pulls/${number}`)) as { head: { sha: string } };
  return head.sha;
}

async function checksOf(number: number) {
  const { check_runs: runs } = await fixture.call('GET', `commits/${await headOf(number)}/check-runs?filter=all`);
  return runs as { conclusion: string; output: { summary: string } }[];
}

describe('a configuration that cannot be read', () => {
  it('turns red what was green, and stays the error of the run', async () => {
    await expect(gate()).rejects.toThrow(/slipway.yaml:\d+:\d+/);
    const [check] = await checksOf(green);
    expect(check).toMatchObject({ conclusion: 'failure' });
    expect(check?.output.summary).toMatch(/could not be judged: .*slipway.yaml:\d+:\d+.* run the gate again/);
    expect(await checksOf(red)).toHaveLength(1);
    expect(await checksOf(unjudged)).toEqual([]);
  });

  it.each(['input', 'event'])('concerns only the pull request that is asked for, by the %s', async (how) => {
    const other = await open({ y: '' });
    const headSha = await headOf(other);
    const pullRequest = { number: other, baseRef: 'snapshot', baseSha: headSha, headSha };
    const asked = how === 'input' ? gate({ 'pull-request': String(other) }) : gate({}, { pullRequest });
    await expect(asked).rejects.toThrow(/slipway.yaml/);
    expect(await checksOf(green)).toMatchObject([{ conclusion: 'success' }]);
  });

  it('turns the head of the event red when GitHub does not say which it is', async () => {
    const headSha = await headOf(green);
    fixture.github.failNext({ kind: 'status', status: 418, method: 'GET', path: /\/pulls\/\d+$/ });
    const pullRequest = { number: green, baseRef: 'snapshot', baseSha: headSha, headSha };
    await expect(gate({}, { pullRequest })).rejects.toThrow(/slipway.yaml/);
    expect(await checksOf(green)).toMatchObject([{ conclusion: 'failure' }, { conclusion: 'success' }]);
  });

  it('is the error also when the checks cannot be written', async () => {
    fixture.github.failNext({ kind: 'status', status: 418, method: 'GET', path: /\/pulls\?/ });
    await expect(gate()).rejects.toThrow(/slipway.yaml/);
  });

  it('changes nothing in a dry run, nor with another mode', async () => {
    await expect(gate({ 'dry-run': 'true' })).rejects.toThrow(/slipway.yaml/);
    await expect(gate({ mode: 'remove', from: 'snapshot' })).rejects.toThrow(/slipway.yaml/);
    expect(await checksOf(green)).toMatchObject([{ conclusion: 'success' }]);
  });

  it('leads to green again when it is mended', async () => {
    await expect(gate()).rejects.toThrow(/slipway.yaml/);
    await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
    await gate();
    expect((await checksOf(green))[0]).toMatchObject({ conclusion: 'success' });
  });
});
