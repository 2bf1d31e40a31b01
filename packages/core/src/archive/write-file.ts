import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ActionError, ConfigurationError, messageOf, systemCodeOf } from '../errors.ts';
import type { Content } from '../util/content.ts';
import { formatBytes } from '../util/units.ts';

/** Bytes that are gathered before they are written: small writes make the same file five times slower. */
const BATCH = 1024 * 1024;

/**
 * Writes `content` to `path` and returns its SHA-256, hexadecimal.
 *
 * The file appears under its name only when all of it is on the disk; after a failure nothing is left. Every run writes
 * to a name of its own, so that two of them cannot mix their bytes; what a killed run left is removed by the next.
 */
export async function writeContent(path: string, content: Content): Promise<string> {
  const partial = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await sweepPartials(path);
    const file = await open(partial, 'wx');
    const hash = createHash('sha256');
    try {
      await writeAll(file, content, (chunk) => hash.update(chunk));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    return hash.digest('hex');
  } catch (error) {
    // What went wrong with the file must not be hidden by what goes wrong with tidying up after it.
    await rm(partial, { force: true }).catch(() => undefined);
    throw explainDiskFailure(error, path, content.size);
  }
}

/** Removes partial files of `path` whose process is gone. */
async function sweepPartials(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const pid = name.startsWith(prefix)
      ? /^(\d+)\.[0-9a-f]{8}\.partial$/.exec(name.slice(prefix.length))?.[1]
      : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(dirname(path), name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}

async function writeAll(file: FileHandle, content: Content, seen: (chunk: Buffer) => void): Promise<void> {
  let batch: Buffer[] = [];
  let size = 0;
  for await (const chunk of content.open()) {
    seen(chunk);
    batch.push(chunk);
    size += chunk.length;
    if (size < BATCH) continue;
    await writeBatch(file, batch);
    batch = [];
    size = 0;
  }
  await writeBatch(file, batch);
}

/** The system may write less than it was given, and takes at most 1,024 pieces at once. */
async function writeBatch(file: FileHandle, batch: Buffer[]): Promise<void> {
  for (let rest = batch; rest.length > 0; ) {
    const { bytesWritten } = await file.writev(rest.slice(0, 1024));
    let skip = bytesWritten;
    let whole = 0;
    while (whole < rest.length && skip >= (rest[whole]?.length ?? 0)) skip -= rest[whole++]?.length ?? 0;
    const [first, ...others] = rest.slice(whole);
    rest = first === undefined ? [] : [first.subarray(skip), ...others];
  }
}

function explainDiskFailure(error: unknown, path: string, size: number): unknown {
  switch (systemCodeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ActionError(
        'disk-full',
        `No space left for ${path}, which needs ${formatBytes(size)}. Nothing was left behind; free space or give another directory.`,
        { cause: error },
      );
    case 'EACCES':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EEXIST':
    case 'ENAMETOOLONG':
      return new ConfigurationError(
        'not-writable',
        `Cannot write ${path}: ${messageOf(error)}. Give a directory that can be written.`,
        {
          cause: error,
        },
      );
    default:
      return error;
  }
}
