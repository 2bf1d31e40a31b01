import { describe, expect, it } from 'vitest';
import { Slots } from './slots.ts';

describe('Slots', () => {
  it('lets in who came first, and passes over those who have given up', async () => {
    const slots = new Slots(1);
    const { signal } = new AbortController();
    const gone = new AbortController();
    const first = Promise.withResolvers<void>();
    const order: string[] = [];
    const enter = (name: string, given: AbortSignal, work: Promise<void> = Promise.resolve()) =>
      slots.run(given, async () => {
        order.push(name);
        await work;
        return name;
      });
    const all = [
      enter('first', signal, first.promise),
      enter('gives up', gone.signal),
      enter('second', signal),
      enter('third', signal),
    ];
    gone.abort();
    first.resolve();
    expect(await Promise.all(all)).toEqual(['first', undefined, 'second', 'third']);
    expect(order).toEqual(['first', 'second', 'third']);
    expect(await enter('too late', gone.signal)).toBeUndefined();
    expect(await enter('free again', signal)).toBe('free again');
  });

  it('frees the place of work that fails', async () => {
    const slots = new Slots(1);
    const { signal } = new AbortController();
    await expect(slots.run(signal, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await slots.run(signal, async () => 'next')).toBe('next');
  });
});
