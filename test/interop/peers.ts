import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Returns where a program is on the PATH (Debian keeps servers in /usr/sbin), undefined when it is absent. */
export function findProgram(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Says why tests with these peers cannot run here; undefined when they can. */
export function whyAbsent(...programs: readonly string[]): string | undefined {
  const absent = programs.filter((name) => findProgram(name) === undefined);
  if (absent.length > 0) return `${absent.join(', ')} not installed`;
  return undefined;
}

/** Engines need root: they mount, and they make namespaces. */
export function whyNotRoot(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'not root';
}

/** Puts the reason for skipping into a title, where the report shows it. */
export function titled(title: string, reason: string | undefined): string {
  return reason === undefined ? title : `${title} (skipped: ${reason})`;
}

/** A port nobody listens on now; for servers that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface RunningPeer {
  readonly log: () => string;
  stop(): Promise<void>;
}

/** Starts a server and waits until `ready` says so, 60 s at the most; its output is in the error when it is not. */
export async function startPeer(
  command: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
  env: NodeJS.ProcessEnv = {},
): Promise<RunningPeer> {
  const child: ChildProcess = spawn(findProgram(command) ?? command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => (log += data.toString('utf8')));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await Promise.race([exited, sleep(10_000).then(() => child.kill('SIGKILL'))]);
    await exited;
  };
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}:\n${log}`);
    if (await ready().catch(() => false)) return { log: () => log, stop };
    await sleep(200);
  }
  await stop();
  throw new Error(`${command} did not answer within 60 s:\n${log}`);
}

const execute = promisify(execFile);

/** Runs a program to its end and returns what it printed; throws with all of its output otherwise. */
export async function runPeer(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<string> {
  const { stdout } = await execute(findProgram(command) ?? command, [...args], {
    ...options,
    env: { ...process.env, ...options.env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
