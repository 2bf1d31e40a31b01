import { describe, expect, it } from 'vitest';
import { TokenCache } from './token-cache.ts';

const PULL = 'repository:team/app:pull';
const PUSH = 'repository:team/app:pull,push';

function makeCache(lifetime = 300_000) {
  const asked: string[] = [];
  const clock = { now: 0 };
  const cache = new TokenCache(
    async (scope) => {
      asked.push(scope);
      return { value: `token ${asked.length}`, lifetime };
    },
    () => clock.now,
  );
  return { asked, clock, cache };
}

describe('TokenCache', () => {
  it('fetches one token for a scope, however many ask at once', async () => {
    const { asked, cache } = makeCache();
    await Promise.all(Array.from({ length: 20 }, () => cache.get(PULL)));
    expect(asked).toEqual([PULL]);
  });

  it('takes a token that opens more', async () => {
    const { asked, cache } = makeCache();
    await cache.get(`${PUSH} repository:team/base:pull`);
    await cache.get(PUSH);
    await cache.get(PULL);
    await cache.get('repository:team/other:pull');
    await cache.get('repository:team/base:pull');
    expect(asked).toEqual([
      `${PUSH} repository:team/base:pull`,
      'repository:team/other:pull',
      'repository:team/base:pull',
    ]);
  });

  it('does not take one that opens less, or something else', async () => {
    const { asked, cache } = makeCache();
    for (const scope of [PULL, PUSH, 'repository:team/app2:pull']) await cache.get(scope);
    expect(asked).toHaveLength(3);
  });

  it('renews before the end, once, however many notice', async () => {
    const { asked, clock, cache } = makeCache();
    await cache.get(PULL);
    clock.now = 269_000;
    await cache.get(PULL);
    expect(asked).toHaveLength(1);
    clock.now = 271_000;
    await Promise.all([cache.get(PULL), cache.get(PULL), cache.get(PULL)]);
    expect(asked).toHaveLength(2);
  });

  it('uses a token of a few seconds for most of them', async () => {
    const { asked, clock, cache } = makeCache(4_000);
    await cache.get(PULL);
    clock.now = 2_900;
    await cache.get(PULL);
    expect(asked).toHaveLength(1);
    clock.now = 3_100;
    await cache.get(PULL);
    expect(asked).toHaveLength(2);
  });

  it('forgets the token that was refused, and not the one that came after it', async () => {
    const { asked, cache } = makeCache();
    const first = await cache.get(PULL);
    cache.refuse(PULL, first, undefined);
    const second = await cache.get(PULL);
    expect(second).not.toBe(first);
    cache.refuse(PULL, first, undefined);
    expect(await cache.get(PULL)).toBe(second);
    expect(asked).toHaveLength(2);
  });

  it('asks for what the registry wants besides', async () => {
    const { asked, cache } = makeCache();
    cache.refuse(PULL, await cache.get(PULL), 'registry:catalog:* repository:team/app:pull');
    await cache.get(PULL);
    expect(asked).toEqual([PULL, `${PULL} registry:catalog:*`]);
  });

  it('tries again after a failure', async () => {
    let failures = 1;
    const cache = new TokenCache(async () => {
      if (failures-- > 0) throw new Error('the service is down');
      return { value: 'token', lifetime: 60_000 };
    });
    await expect(Promise.all([cache.get(PULL), cache.get(PULL)])).rejects.toThrow('the service is down');
    expect(await cache.get(PULL)).toBe('token');
  });
});
