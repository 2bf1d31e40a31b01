import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface ServerProcess {
  /** What it says of itself: `url`, and what else there is. */
  readonly about: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Runs a server of this bench in a process of its own, so that neither it nor what is measured waits for us. */
export async function startServerProcess(script: string, ...args: readonly string[]): Promise<ServerProcess> {
  const child = fork(script, args, { execArgv: ['--conditions=@slipway/source'] });
  const ended = once(child, 'exit');
  const [about] = await Promise.race([once(child, 'message'), ended]);
  if (typeof about !== 'object' || about === null) throw new Error(`${script} ended with ${about} before it began.`);
  return {
    about: Object.fromEntries(Object.entries(about).map(([name, value]) => [name, String(value)])),
    close: async () => {
      child.kill();
      await ended;
    },
  };
}
