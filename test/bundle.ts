import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ActionResult, runAction } from '@slipway/sandbox/runner/run-action';
import { onTestFinished } from 'vitest';
import { assembledTree } from './assembled.ts';

/** Runs an action's shipped bundle from the assembled release tree, the way GitHub's runner does. */
export async function runBundle(
  name: string,
  inputs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<ActionResult> {
  return runAction({ directory: join(await assembledTree(), name), inputs, env });
}

/** Makes a directory that is removed when the test has finished. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes a docker configuration with one login for each registry, and returns the environment that points to it. */
export function dockerLogin(
  directory: string,
  registries: readonly string[],
  { username, password }: { readonly username: string; readonly password: string },
): { readonly DOCKER_CONFIG: string } {
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const auths = Object.fromEntries(registries.map((name) => [name, { auth }]));
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ auths }));
  return { DOCKER_CONFIG: directory };
}
