import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { digestOf } from '../image/digest.ts';
import { TransferProgress } from './transfer-progress.ts';
import { TransferStatistics } from './transfer-statistics.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('tells every few seconds how far it is, how fast, how long still, and what it waits for', () => {
  const lines: string[] = [];
  const statistics = new TransferStatistics();
  const progress = new TransferProgress(statistics, {
    info: (line) => void lines.push(line),
    warning: () => undefined,
  });
  vi.advanceTimersByTime(5000);
  const [there, moving] = [
    { digest: digestOf('there'), size: 40_000_000 },
    { digest: digestOf('moving'), size: 60_000_000 },
  ];
  statistics.wanted += there.size + moving.size;
  statistics.end(there, 'harbor.example.com/release/app', 'present');
  statistics.begin(moving.digest, 'harbor.example.com/release/app');
  statistics.read += 20_000_000;
  vi.advanceTimersByTime(5000);
  progress.stop();
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([
    '0 B of 0 B moved, 0 B/s, waiting for answers about images',
    `20.0 MB of 60.0 MB moved, 2.0 MB/s, about 20.0 s left, waiting for ${moving.digest} to harbor.example.com/release/app`,
  ]);
});
