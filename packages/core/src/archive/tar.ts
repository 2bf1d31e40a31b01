import type { Content } from '../util/content.ts';

/** A file in a tar archive. */
export interface TarFile {
  /** Relative path with forward slashes. */
  readonly name: string;
  readonly content: Content;
}

/** A directory in a tar archive. */
export interface TarDirectory {
  /** Relative path, without a slash at its end. */
  readonly directory: string;
}

export type TarEntry = TarFile | TarDirectory;

const BLOCK = 512;

/** An archive ends with two empty blocks. */
const END = Buffer.alloc(2 * BLOCK);

/**
 * The largest size that fits the header's eleven octal digits; a larger file says its size in an extended header.
 */
const MAX_USTAR_SIZE = 8 ** 11 - 1;

/** The earliest time every tar takes without a warning: 1980-01-01. Archives must not tell when they were made. */
const MTIME = 315_532_800;

/**
 * Returns a tar archive of `entries`, in their order, as a stream whose size is known.
 *
 * POSIX ustar; names over 100 bytes and sizes over 8 GiB in pax extended headers. Owner root, files 0644, directories
 * 0755, one fixed time: the same entries give the same bytes on every machine.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export function tar(entries: readonly TarEntry[]): Content {
  const parts = entries.map((entry) => ({ header: encodeHeaders(entry), entry }));
  const size = parts.reduce((sum, { header, entry }) => sum + header.length + paddedSize(entry), END.length);
  return {
    size,
    async *open() {
      for (const { header, entry } of parts) {
        yield header;
        if ('directory' in entry) continue;
        yield* exactly(entry);
        const padding = paddedSize(entry) - entry.content.size;
        if (padding > 0) yield END.subarray(0, padding);
      }
      yield END;
    },
  };
}

/** Passes a file's bytes on, and throws a RangeError when there are not as many as its header says. */
async function* exactly({ name, content }: TarFile): AsyncGenerator<Buffer, void> {
  let size = 0;
  for await (const chunk of content.open()) {
    size += chunk.length;
    if (size > content.size) break;
    yield chunk;
  }
  if (size !== content.size) {
    throw new RangeError(`${name} should have ${content.size} bytes and has ${size > content.size ? 'more' : size}`);
  }
}

function paddedSize(entry: TarEntry): number {
  return 'directory' in entry ? 0 : Math.ceil(entry.content.size / BLOCK) * BLOCK;
}

function encodeHeaders(entry: TarEntry): Buffer {
  if ('directory' in entry) return encodeHeader(`${entry.directory}/`, 0, '5', 0o755);
  const { name, content } = entry;
  const extended: string[] = [];
  if (Buffer.byteLength(name) > 100) extended.push(paxRecord('path', name));
  if (content.size > MAX_USTAR_SIZE) extended.push(paxRecord('size', String(content.size)));
  const header = encodeHeader(shorten(name), content.size > MAX_USTAR_SIZE ? 0 : content.size, '0', 0o644);
  if (extended.length === 0) return header;
  const records = Buffer.from(extended.join(''));
  const padded = Buffer.alloc(Math.ceil(records.length / BLOCK) * BLOCK);
  records.copy(padded);
  return Buffer.concat([encodeHeader('././@PaxHeader', records.length, 'x', 0o644), padded, header]);
}

/** Cuts a name to the header's 100 bytes; the whole name then stands in the extended header. */
function shorten(name: string): string {
  return Buffer.from(name)
    .subarray(0, 100)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}

/** `<length> <key>=<value>\n`, where the length counts itself too. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (bytes + String(length).length > length) length += 1;
  return `${length}${rest}`;
}

function encodeHeader(name: string, size: number, type: '0' | '5' | 'x', mode: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  };
  header.write(name, 0, 'utf8');
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(MTIME, 136, 12);
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
