import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ActionError, ConfigurationError, messageOf, systemCodeOf } from '../errors.ts';
import type { Content } from '../util/content.ts';
import { PartialFile, sweepPartials } from '../util/partial-file.ts';
import { readBuffers } from '../util/read-buffers.ts';
import { formatBytes } from '../util/units.ts';

/**
 * Writes `content` to `path` and returns its SHA-256, hexadecimal.
 *
 * The file appears under its name only when it is complete; after a failure nothing is left, and what a killed run left
 * is removed by the next. It is not forced to the disk: that takes as long as the disk does with all of it, and after a power
 * cut the next run writes it again, whatever stands there; whoever takes it meanwhile compares its SHA-256.
 */
export async function writeContent(path: string, content: Content): Promise<string> {
  let file: PartialFile | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    await sweepPartials(dirname(path), `${basename(path)}.`);
    file = await PartialFile.begin(path);
    const hash = createHash('sha256');
    for await (const chunk of content.open()) {
      hash.update(chunk);
      await file.add(chunk);
      readBuffers.release(chunk);
    }
    await file.commit();
    return hash.digest('hex');
  } catch (error) {
    await file?.discard();
    throw explainDiskFailure(error, path, content.size);
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
    case 'EFBIG':
      return new ActionError(
        'file-too-large',
        `${path} needs ${formatBytes(size)}, and so large a file is not allowed there. Nothing was left behind; raise the limit (ulimit -f) or give another directory.`,
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
