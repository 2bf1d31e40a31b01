import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { cleanRunner } from './check-tool.ts';

it('kills a program that takes too long, and says so', async () => {
  const run = cleanRunner(process.env, tmpdir());
  await expect(run('sleep', ['600'], { limit: 50 })).rejects.toThrow(/did not end within .*: 600/);
  expect(await run('sh', ['-c', 'echo said; exit 3'], { limit: 60_000 })).toEqual({ exitCode: 3, output: 'said\n' });
});
