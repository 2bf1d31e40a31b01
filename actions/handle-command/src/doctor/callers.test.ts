import { describe, expect, it } from 'vitest';
import { type Call, judgeCalls, listCalls } from './callers.ts';

const PIN = 'c0ffee'.repeat(7).slice(0, 40);
const FILE = '.github/workflows/x.yml';

const job = (uses: string, more: object = {}) => ({ jobs: { go: { uses, ...more } } });
const step = (uses: string) => ({ jobs: { go: { steps: [{ run: 'x' }, { uses }] } } });

function stateOf(check: string, calls: readonly Partial<Call>[]) {
  const whole = calls.map((call) => ({ file: FILE, name: 'plugin-release', ref: PIN, inherits: false, ...call }));
  return judgeCalls(whole).find((each) => each.check === check)?.state;
}

describe('the calls in a workflow', () => {
  it.each([
    ['a reusable workflow', job(`acme/actions/.github/workflows/plugin-release.yml@${PIN}`), 'plugin-release'],
    ['an action', step(`acme/actions/sync-images@${PIN}`), 'sync-images'],
  ])('are those of %s', (_, workflow, name) => {
    expect(listCalls(FILE, workflow, undefined)).toEqual([{ file: FILE, name, ref: PIN, inherits: false }]);
  });

  it('tell when every secret goes along', () => {
    const workflow = job('acme/actions/.github/workflows/plugin-release.yml@v1', { secrets: 'inherit' });
    expect(listCalls(FILE, workflow, undefined)).toMatchObject([{ inherits: true }]);
  });

  it.each([
    ['another repository', step('actions/checkout@v6'), 'acme/actions'],
    ['another repository by a name of ours', step('else/actions/rollout@v1'), 'acme/actions'],
    ['the repository itself', step('./rollout'), undefined],
    ['an image', step('docker://alpine'), undefined],
    ['what is no workflow', ['x'], undefined],
  ])('are not those of %s', (_, workflow, own) => {
    expect(listCalls(FILE, workflow, own)).toEqual([]);
  });
});

describe('callers', () => {
  it('publish by commit, and may check by tag', () => {
    const checker = { name: 'plugin-pull-request', ref: 'v1' };
    expect(stateOf('workflows by commit', [{}, checker])).toBe('ok');
    expect(stateOf('workflows in step', [{}, checker])).toBe('ok');
    expect(stateOf('workflows by commit', [{ ref: 'v1' }])).toBe('error');
    expect(stateOf('workflows by commit', [{ ref: PIN.slice(0, 39) }])).toBe('error');
  });

  it('are in step', () => {
    expect(stateOf('workflows in step', [{}, { name: 'distribution' }])).toBe('ok');
    expect(stateOf('workflows in step', [{}, { name: 'distribution', ref: 'd'.repeat(40) }])).toBe('warning');
  });

  it('hand over secrets by name', () => {
    expect(stateOf('secrets by name', [{}])).toBe('ok');
    expect(stateOf('secrets by name', [{ inherits: true }])).toBe('error');
  });
});
