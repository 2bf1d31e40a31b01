import { expect, it } from 'vitest';
import { describeLabel, KINDS, planLabel, QUEUE_STATES } from './labels.ts';

it('leaves one label of a group, and all others alone', () => {
  const current = ['Kind/Bug', 'kind/flake', 'queue/need-queue', 'kinder/x', 'size/S'];
  expect(planLabel(current, 'kind', 'release')).toEqual({ add: ['kind/release'], remove: ['Kind/Bug', 'kind/flake'] });
  expect(planLabel(current, 'queue', 'need-queue')).toEqual({ add: [], remove: [] });
  expect(planLabel(['KIND/Release'], 'kind', 'release')).toEqual({ add: [], remove: [] });
});

it('describes every label as GitHub takes it', () => {
  const labels = [
    ...KINDS.map((kind) => describeLabel('kind', kind)),
    ...QUEUE_STATES.map((state) => describeLabel('queue', state)),
  ];
  for (const { name, color, description } of labels) {
    expect.soft(color, name).toMatch(/^[0-9a-f]{6}$/);
    expect.soft(description, name).toMatch(/^.{1,100}$/);
  }
});
