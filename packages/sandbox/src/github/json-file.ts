import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const format = 1;

/** Reads what {@link writeJsonFile} wrote; undefined where there is no file yet. */
export function readJsonFile<T>(path: string): T | undefined {
  if (!existsSync(path)) return undefined;
  const stored: { format?: unknown; content: T } = JSON.parse(readFileSync(path, 'utf8'));
  if (stored.format !== format) throw new Error(`${path} was written by another version of the sandbox: remove it`);
  return stored.content;
}

/**
 * Replaces a JSON file in one step, so that a crash leaves either the old or the new content. Synchronous on purpose: a
 * change is on disk before anything else can happen, hence before its request is answered.
 */
export function writeJsonFile(path: string, content: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  writeFileSync(temporary, JSON.stringify({ format, content }));
  renameSync(temporary, path);
}
