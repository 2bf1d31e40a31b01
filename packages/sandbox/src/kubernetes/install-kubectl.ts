import { accessSync, constants } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, extname, join } from 'node:path';

/** Returns where the real kubectl is on a PATH, undefined when it is absent. */
export function findRealKubectl(path: string = process.env['PATH'] ?? ''): string | undefined {
  return path
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, 'kubectl'))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * Puts the stand-in into `directory` under the name kubectl, for a PATH to begin with, and returns its path. It is run
 * by the node that runs this, so that nothing else has to be installed.
 */
export async function installKubectlStandIn(directory: string): Promise<string> {
  const script = join(import.meta.dirname, `kubectl-stand-in${extname(import.meta.filename)}`);
  const path = join(directory, 'kubectl');
  await mkdir(directory, { recursive: true });
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = ['#!/bin/sh', `exec ${quote(process.execPath)} ${quote(script)} "$@"`, ''];
  await writeFile(path, lines.join('\n'), { mode: 0o755 });
  return path;
}
