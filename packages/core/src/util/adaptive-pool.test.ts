import { describe, expect, it } from 'vitest';
import { AdaptiveLimit, AdaptivePool } from './adaptive-pool.ts';

/** A server whose speed depends on how many operations run at once, and a clock that each of them moves. */
function simulate(speedAt: (running: number) => number) {
  let time = 0;
  let bytes = 0;
  let strains = 0;
  const pool = new AdaptivePool();
  const limit = new AdaptiveLimit(
    () => ({ bytes, strains }),
    6,
    () => time,
  );
  const sizes: number[] = [];
  return {
    limit,
    sizes,
    strain: () => (strains += 1),
    /** Runs so many operations, each of which takes one window. */
    run: (count: number) =>
      Promise.all(
        Array.from({ length: count }, () =>
          pool.run(1, [limit], async () => {
            time += 500;
            bytes += speedAt(limit.size);
            sizes.push(limit.size);
          }),
        ),
      ),
  };
}

function limitOf(size: number): AdaptiveLimit {
  return new AdaptiveLimit(() => ({ bytes: 0, strains: 0 }), size);
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
    const { limit, run, strain } = simulate(() => 1000);
    strain();
    await run(1);
    expect(limit.size).toBe(3);
    strain();
    await run(1);
    strain();
    await run(1);
    expect(limit.size).toBe(2);
  });

  it('begins with the heaviest that wait, and equal ones in their order', async () => {
    const [pool, limit] = [new AdaptivePool(), limitOf(1)];
    const begun: string[] = [];
    const weights: [number, string][] = [
      [1, 'first'],
      [1, 'a'],
      [5, 'heavy'],
      [1, 'b'],
    ];
    await Promise.all(weights.map(([weight, name]) => pool.run(weight, [limit], async () => void begun.push(name))));
    expect(begun).toEqual(['first', 'heavy', 'a', 'b']);
  });

  it('gives the place back when an operation fails', async () => {
    const [pool, limit] = [new AdaptivePool(), limitOf(1)];
    const failing = pool.run(1, [limit], async () => {
      throw new Error('broken');
    });
    await expect(failing).rejects.toThrow('broken');
    expect(await pool.run(1, [limit], async () => 'done')).toBe('done');
  });

  it('lets nobody wait for a host that it does not use, and nobody begin without all that it uses', async () => {
    const [pool, busy, free] = [new AdaptivePool(), limitOf(1), limitOf(8)];
    const begun: string[] = [];
    const held = Promise.withResolvers<void>();
    const run = (name: string, limits: AdaptiveLimit[], until?: Promise<void>) =>
      pool.run(1, limits, async () => {
        begun.push(name);
        await until;
      });
    const all = [run('holds', [busy], held.promise), run('needs both', [busy, free]), run('passes', [free])];
    await all[2];
    expect(begun).toEqual(['holds', 'passes']);
    held.resolve();
    await Promise.all(all);
    expect(begun).toEqual(['holds', 'passes', 'needs both']);
  });

  it('slows down only the host that shows strain', async () => {
    let [time, strains] = [0, 0];
    const clock = () => time;
    const [tired, fresh] = [
      new AdaptiveLimit(() => ({ bytes: 0, strains }), 6, clock),
      new AdaptiveLimit(() => ({ bytes: 0, strains: 0 }), 6, clock),
    ];
    await new AdaptivePool().run(1, [tired, fresh], async () => {
      time += 500;
      strains += 1;
    });
    expect([tired.size, fresh.size]).toEqual([3, 6]);
  });
});
