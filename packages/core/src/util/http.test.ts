import { expect, it, onTestFinished } from 'vitest';
import { createDispatcher, judgeHttpFailure, NetworkError, send } from './http.ts';
import { RetryBudget } from './retry.ts';

it.each([
  ['NO_ANSWER', 2],
  ['STALLED', 2],
  ['ECONNRESET', 5],
  ['ENOTFOUND', 1],
])('tries %s %i times: each silence costs its whole patience', async (code, wanted) => {
  let tries = 0;
  const budget = new RetryBudget({ base: 0 });
  const asking = budget.run(
    async () => {
      tries += 1;
      throw new NetworkError('GET', new URL('https://r.example.com/'), Object.assign(new Error(code), { code }));
    },
    { judge: judgeHttpFailure },
  );
  await expect(asking).rejects.toThrow(NetworkError);
  expect(tries).toBe(wanted);
});

it('says that nothing listens there', async () => {
  const dispatcher = createDispatcher();
  onTestFinished(() => dispatcher.destroy());
  const asking = send({ method: 'GET', url: new URL('http://127.0.0.1:9/'), dispatcher });
  await expect(asking).rejects.toThrow(/nothing listens there/);
});
