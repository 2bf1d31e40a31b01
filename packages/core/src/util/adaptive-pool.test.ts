import { describe, expect, it } from 'vitest';
import { AdaptivePool } from './adaptive-pool.ts';

/** A server whose speed depends on how many operations run at once, and a clock that each of them moves. */
function simulate(speedAt: (running: number) => number) {
  let time = 0;
  let bytes = 0;
  let strains = 0;
  const pool = new AdaptivePool(
    () => ({ bytes, strains }),
    6,
    () => time,
  );
  const sizes: number[] = [];
  return {
    pool,
    sizes,
    strain: () => (strains += 1),
    /** Runs so many operations, each of which takes one window. */
    run: (count: number) =>
      Promise.all(
        Array.from({ length: count }, () =>
          pool.run(1, async () => {
            time += 500;
            bytes += speedAt(pool.size);
            sizes.push(pool.size);
          }),
        ),
      ),
  };
}

describe('AdaptivePool', () => {
  it('takes more at once as long as that is faster, and never more than 16', async () => {
    const { sizes, run } = simulate((size) => 1.2 ** size);
    await run(100);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16);
    expect(sizes.at(-1)).toBeGreaterThanOrEqual(14);
  });

  it('stays near what it began with where more is not faster', async () => {
    const { sizes, run } = simulate(() => 1000);
    await run(100);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(7);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(5);
  });

  it('halves at a strain, and keeps two', async () => {
    const { pool, run, strain } = simulate(() => 1000);
    strain();
    await run(1);
    expect(pool.size).toBe(3);
    strain();
    await run(1);
    strain();
    await run(1);
    expect(pool.size).toBe(2);
  });

  it('begins with the heaviest that wait, and equal ones in their order', async () => {
    const pool = new AdaptivePool(() => ({ bytes: 0, strains: 0 }), 1);
    const begun: string[] = [];
    const weights: [number, string][] = [
      [1, 'first'],
      [1, 'a'],
      [5, 'heavy'],
      [1, 'b'],
    ];
    await Promise.all(weights.map(([weight, name]) => pool.run(weight, async () => void begun.push(name))));
    expect(begun).toEqual(['first', 'heavy', 'a', 'b']);
  });

  it('gives the place back when an operation fails', async () => {
    const pool = new AdaptivePool(() => ({ bytes: 0, strains: 0 }), 1);
    const failing = pool.run(1, async () => {
      throw new Error('broken');
    });
    await expect(failing).rejects.toThrow('broken');
    expect(await pool.run(1, async () => 'done')).toBe('done');
  });
});
