import { describe, expect, it } from 'vitest';
import { parseRetryAfter, RetryBudget, type RetryBudgetOptions } from './retry.ts';

/** A clock that only the budget moves. */
function stoppedClock(): RetryBudgetOptions & { readonly pauses: number[] } {
  const pauses: number[] = [];
  let time = 0;
  return {
    pauses,
    now: () => time,
    random: () => 1,
    sleep: async (milliseconds) => {
      pauses.push(milliseconds);
      time += milliseconds;
    },
  };
}

const transient = { judge: () => ({}) };

function failing(times: number): () => Promise<string> {
  let left = times;
  return async () => {
    left -= 1;
    if (left >= 0) throw new Error(`failure ${times - left}`);
    return 'done';
  };
}

describe('RetryBudget', () => {
  it('pauses twice as long each time', async () => {
    const clock = stoppedClock();
    expect(await new RetryBudget(clock).run(failing(4), transient)).toBe('done');
    expect(clock.pauses).toEqual([500, 1000, 2000, 4000]);
  });

  it('throws the last failure when the attempts are used up, and a lasting one at once', async () => {
    const clock = stoppedClock();
    await expect(new RetryBudget(clock).run(failing(9), { ...transient, attempts: 3 })).rejects.toThrow('failure 3');
    await expect(new RetryBudget(clock).run(failing(9), { judge: () => false })).rejects.toThrow('failure 1');
    expect(clock.pauses).toHaveLength(2);
  });

  it('holds back every operation on the host when the server asks for a pause', async () => {
    const clock = stoppedClock();
    const budget = new RetryBudget({ ...clock, base: 0 });
    await budget.run(failing(1), { judge: () => ({ after: 7000 }) });
    expect(clock.pauses).toEqual([7000]);

    const slow = budget.run(failing(1), { judge: () => ({ after: 5000 }) });
    const other = budget.run(failing(0), transient);
    await Promise.all([slow, other]);
    expect(clock.pauses.length).toBeGreaterThanOrEqual(2);
  });

  it('does not wait longer than its patience', async () => {
    const clock = stoppedClock();
    const budget = new RetryBudget({ ...clock, patience: 1000 });
    await expect(budget.run(failing(1), { judge: () => ({ after: 2000 }) })).rejects.toThrow('failure 1');
    expect(clock.pauses).toEqual([]);
  });

  it('is one budget for all operations', async () => {
    const budget = new RetryBudget({ ...stoppedClock(), retries: 5 });
    await budget.run(failing(4), transient);
    await expect(budget.run(failing(2), transient)).rejects.toThrow('failure 2');
    expect(await budget.run(failing(0), transient)).toBe('done');
  });
});

it('earns a retry back with ten successes, so that a long job on a flaky host goes on', async () => {
  const budget = new RetryBudget({ ...stoppedClock(), retries: 2 });
  await budget.run(failing(2), transient);
  await expect(budget.run(failing(1), transient)).rejects.toThrow('failure 1');
  for (let count = 0; count < 10; count += 1) await budget.run(failing(0), transient);
  expect(await budget.run(failing(1), transient)).toBe('done');
});

describe('parseRetryAfter', () => {
  it('reads seconds and dates', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(parseRetryAfter('30', now)).toBe(30_000);
    expect(parseRetryAfter(new Date(now + 90_000).toUTCString(), now)).toBe(90_000);
    expect(parseRetryAfter(new Date(now - 90_000).toUTCString(), now)).toBe(0);
    expect(parseRetryAfter('soon', now)).toBeUndefined();
    expect(parseRetryAfter(undefined, now)).toBeUndefined();
  });
});
