import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { runChild } from './child-process.ts';
import { hasEnded } from './process-fixture.ts';

/** Runs a script in bash; `onLine` is told of each line with the means to end it. */
function run(
  script: string,
  onLine: (line: string, stop: AbortController, kill: AbortController) => void,
  grace?: number,
) {
  const [stop, kill] = [new AbortController(), new AbortController()];
  return runChild('bash', ['-c', script], {
    directory: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '' },
    onLine: (line) => onLine(line, stop, kill),
    signal: stop.signal,
    kill: kill.signal,
    grace,
  });
}

describe('runChild', () => {
  it('asks a process to end, and kills it when it does not', async () => {
    expect(await run('trap "exit 3" INT; echo x; while :; do sleep 0.01; done', (_, stop) => stop.abort())).toBe(3);
    expect(await run('trap "" INT; echo x; while :; do sleep 0.01; done', (_, stop) => stop.abort(), 20)).toBe(137);
  });

  it('kills the whole group at once', async () => {
    const pids: number[] = [];
    const code = await run('sleep 60 & echo $!; wait', (line, _, kill) => {
      pids.push(Number(line));
      kill.abort();
    });
    expect(code).toBe(137);
    expect(await hasEnded(pids[0] ?? 0)).toBe(true);
  });

  it('does not wait for what a process has left behind', async () => {
    const pids: number[] = [];
    const code = await run('sleep 60 & echo $!', (line) => void pids.push(Number(line)));
    expect(code).toBe(0);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
  });

  it('gives the code of a signal as a shell does, and says what cannot be started', async () => {
    expect(await run('kill -TERM $$', () => undefined)).toBe(143);
    const options = { directory: '/', env: {}, onLine: () => undefined };
    await expect(runChild('/no/such/program', [], options)).rejects.toThrow(/cannot start \/no\/such\/program/);
  });
});
