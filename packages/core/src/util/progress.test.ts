import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Progress } from './progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('tells every few seconds how far it is, and how fast, without what was there already', () => {
  const lines: string[] = [];
  const log = { info: (line: string) => void lines.push(line), warning: () => undefined };
  const progress = new Progress('a.tar.gz', 100_000_000, log);
  progress.skip(40_000_000);
  progress.add(10_000_000);
  vi.advanceTimersByTime(5000);
  progress.add(50_000_000);
  vi.advanceTimersByTime(5000);
  progress.stop();
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([
    'a.tar.gz: 50.0 MB of 100 MB (50 %), 2.0 MB/s',
    'a.tar.gz: 100 MB of 100 MB (100 %), 6.0 MB/s',
  ]);
});
