import { describe, expect, it } from 'vitest';
import { digestOfImageId, readPod } from './pod.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('digestOfImageId', () => {
  it.each([
    [`registry.example.com/a/b@${digest}`, digest],
    [`docker-pullable://registry.example.com:5000/a@${digest}`, digest],
    [`docker://${digest}`, digest],
    [digest, digest],
    ['', undefined],
    ['registry.example.com/a/b:v1', undefined],
    ['registry.example.com/a@sha256:short', undefined],
  ])('reads %s', (imageId, expected) => {
    expect(digestOfImageId(imageId)).toBe(expected);
  });
});

describe('readPod', () => {
  it.each([{}, { metadata: null, status: 7 }, { status: { containerStatuses: [null, 'x', { state: [] }] } }])(
    'takes %j for a pod of which nothing is known',
    (value) => {
      expect(readPod(value)).toMatchObject({ name: '', ready: false, terminating: false, unschedulable: undefined });
    },
  );
});
