import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes a directory for a whole suite, removed after its last test; called while the suite is collected. */
export function suiteDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-interop-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
