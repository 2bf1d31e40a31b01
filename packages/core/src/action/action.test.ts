import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

/** Runs an action in a process of its own, with `body` as what it does; tells how the process ended. */
async function runProcess(body: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const script = `
    import { runAction } from ${JSON.stringify(new URL('./action.ts', import.meta.url).href)};
    import { createServer } from 'node:net';
    process.on('beforeExit', () => console.log('by itself'));
    await runAction({}, async (inputs, runtime) => { ${body} });`;
  const args = ['--conditions=@slipway/source', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { said: await text(child.stdout), code: await ended };
}

it.each([
  ['well', 'return {};', 0],
  ['badly', "throw new Error('boom');", 1],
])('lets a process that went %s end by itself, with its code', async (_, body, code) => {
  expect(await runProcess(body)).toEqual({ code, said: expect.stringMatching(/by itself\n$/) });
});

it('ends a process that something keeps alive', async () => {
  const body =
    "await new Promise((done) => createServer().listen(0, done)); runtime.fail('odd', 'it is odd'); return {};";
  expect(await runProcess(body)).toEqual({ code: 1, said: '::error::it is odd [odd]\n' });
});

it('lets nothing that fails after the end change the outcome', async () => {
  const body =
    "setTimeout(() => { throw new Error('late'); }, 20); setTimeout(() => Promise.reject(1), 30); return {};";
  expect((await runProcess(body)).code).toBe(0);
});
