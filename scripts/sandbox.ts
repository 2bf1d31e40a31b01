/**
 * Starts the sandbox and stays until a signal: `npm run sandbox`.
 *
 *   --state DIR                       keeps everything in DIR for the next start
 *   --json FILE                       writes the variables as one flat JSON object, once all servers answer
 *   --repo owner/name=path/to.git     serves an existing bare repository in place; may be given again
 *
 * What it prints can be evaluated by a shell.
 */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startSandbox } from '@slipway/sandbox/sandbox';
import { replaceFile } from '@slipway/sandbox/sandbox-client';
import { runScript, userDirectory } from './run-script.ts';

await runScript(async () => {
  const { values } = parseArgs({
    options: { state: { type: 'string' }, json: { type: 'string' }, repo: { type: 'string', multiple: true } },
  });
  // Heard from the first moment on: a signal while the servers start must not leave anything behind either.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal));
  const sandbox = await startSandbox({
    ...(values.state !== undefined && { state: fromUser(values.state) }),
    repositories: Object.fromEntries((values.repo ?? []).map(readRepository)),
  });
  try {
    for (const [name, value] of Object.entries(sandbox.environment)) console.log(`export ${name}=${quote(value)}`);
    if (values.json !== undefined) {
      await replaceFile(fromUser(values.json), JSON.stringify(sandbox.environment, undefined, 2));
    }
    await Promise.race(signals);
  } finally {
    await sandbox.close();
  }
});

function fromUser(path: string): string {
  return resolve(userDirectory(), path);
}

function readRepository(text: string): [string, string] {
  const [, name, path] = /^([^/=]+\/[^/=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || path === undefined) throw new Error(`--repo ${text}: expected owner/name=path/to/bare.git`);
  return [name, fromUser(path)];
}

/** Quotes a value where a shell would take something in it for its own. */
function quote(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
