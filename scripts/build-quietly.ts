/**
 * Builds what is stale, and shows turbo's output only when that fails: `node scripts/build-quietly.ts`.
 */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { runScript } from './run-script.ts';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules/.bin');

/** Builds that take longer than this say so, in milliseconds; from turbo's cache it is a tenth of a second. */
const NOTICEABLE = 1000;

/** Builds every workspace that is stale; throws an error that holds turbo's output. */
export async function buildQuietly(): Promise<void> {
  const started = performance.now();
  let told = false;
  // Stderr, because the standard output of `npm run sandbox` is there to be evaluated by a shell.
  const timer = setTimeout(() => {
    told = true;
    process.stderr.write('building … ');
  }, NOTICEABLE);
  try {
    const { code, output } = await runTurbo();
    if (code !== 0) throw new Error(`${output}\nThe build failed (exit code ${code}).`);
    if (told) process.stderr.write(`built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  } catch (error) {
    if (told) process.stderr.write('failed\n');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function runTurbo(): Promise<{ readonly code: number | null; readonly output: string }> {
  // Node 24 comes with the dependencies; whoever started us may have found another one first.
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
  return new Promise((resolve, reject) => {
    const turbo = spawn(join(bin, 'turbo'), ['run', 'build'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    for (const stream of [turbo.stdout, turbo.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    turbo.on('error', (error) => reject(new Error(`Cannot start turbo: ${error.message}. Run npm ci first.`)));
    turbo.on('close', (code) => resolve({ code, output: Buffer.concat(chunks).toString('utf8') }));
  });
}

if (import.meta.main) await runScript(buildQuietly);
