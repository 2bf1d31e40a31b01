import { describe, expect, it } from 'vitest';
import { listSweptLately, type QueuedPullRequest, standInQueue } from './release-queue.ts';
import type { ReleaseRecord } from './release-record.ts';

const BOTH = ['kind/release', 'queue/working-image-pushed'];

function pullRequest(number: number, labels: readonly string[] = []): QueuedPullRequest {
  return { number, title: 'x', headSha: 'a'.repeat(40), labels, openedAt: new Date(0) };
}

function recordOf(number: number, more: Partial<ReleaseRecord> = {}): ReleaseRecord {
  const plugin = { plugin: 'logs', version: 'v1.0.0', file: 'x.yaml', commit: '', blob: '', images: [] };
  const who = { by: 'ada', approvedBy: [], at: '2026-11-20T00:00:00.000Z' };
  const what = { pullRequest: number, commit: 'a'.repeat(40), plugins: [plugin], packages: [] };
  return { version: 1, state: 'intent', ...who, ...what, ...more };
}

const stalled = (more: Partial<ReleaseRecord> = {}) => ({ record: recordOf(1, more), isUnderWay: false });

describe('the queue', () => {
  it('leaves out what nobody has asked for', () => {
    expect(standInQueue(pullRequest(1), {}, false)).toBeUndefined();
    expect(standInQueue(pullRequest(1, ['queue/working-image-pushed']), {}, false)).toBeUndefined();
  });

  it.each([
    ['nothing works on it', stalled(), false, { state: 'stalled', isDue: true }],
    ['it was started lately', stalled(), true, { state: 'stalled', isDue: false }],
    ['a run works on it', { ...stalled(), isUnderWay: true }, false, { state: 'working', isDue: false }],
    ['it is done', stalled({ state: 'done' }), false, { state: 'done', isDue: false }],
    ['it has failed', stalled({ state: 'failed' }), false, { state: 'failed', isDue: false }],
    ['it cannot be read', { problem: 'no' }, false, { state: 'unknown', isDue: false, missing: 'no' }],
  ])('says where a release stands: %s', (_, known, isSweptLately, expected) => {
    expect(standInQueue(pullRequest(1, BOTH), known, isSweptLately)).toMatchObject(expected);
  });

  it.each([
    ['asked for by labels alone', BOTH, {}, 'set by hand'],
    ['done by label alone', ['queue/done-package-uploaded'], {}, 'nothing was released'],
    ['intended without labels', [], stalled(), 'has not the labels'],
    ['done without the label', [], stalled({ state: 'done' }), 'queue/done-package-uploaded'],
    [
      'failed, and done by label',
      ['queue/done-package-uploaded'],
      stalled({ state: 'failed' }),
      'nothing was released',
    ],
  ])('says where labels and record disagree: %s', (_, labels, known, expected) => {
    expect(standInQueue(pullRequest(1, labels), known, false)?.disagreement).toContain(expected);
  });

  it('says nothing where they agree', () => {
    expect(standInQueue(pullRequest(1, BOTH), stalled(), false)?.disagreement).toBe('');
    expect(
      standInQueue(pullRequest(1, ['queue/done-package-uploaded']), stalled({ state: 'done' }), false),
    ).toBeUndefined();
  });
});

describe('what was swept lately', () => {
  const pulls = [pullRequest(1), pullRequest(2), pullRequest(3)];
  const known = [stalled({ run: { id: 11, attempt: 1 } }), {}, {}];

  it('is told by the records, and by the names of runs', () => {
    expect(listSweptLately([{ id: 11, title: 'release' }], pulls, known)).toEqual(new Set([1]));
    expect(listSweptLately([{ id: 12, title: 'Release of #2' }], pulls, known)).toEqual(new Set([2]));
    expect(listSweptLately([], pulls, known)).toEqual(new Set());
  });

  it('may be any of them when a run died before it told', () => {
    const runs = [
      { id: 11, title: 'release' },
      { id: 12, title: 'release' },
    ];
    expect(listSweptLately(runs, pulls, known)).toEqual(new Set([1, 2, 3]));
  });
});
