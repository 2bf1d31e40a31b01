import type { Content } from '../util/content.ts';

/** What an archive's files may be allowed: everybody reads them, and runs those that are programs. */
export type TarFileMode = 0o644 | 0o755;

/** A file in a tar archive. */
export interface TarFile {
  /** Relative path with forward slashes. */
  readonly name: string;
  readonly content: Content;
  /** Default 0644. */
  readonly mode?: TarFileMode;
}

/** A directory in a tar archive. */
export interface TarDirectory {
  /** Relative path, without a slash at its end. */
  readonly directory: string;
  /** Default 0755, root. */
  readonly attributes?: TarAttributes | undefined;
}

/** What a directory is allowed, and to whom it belongs. */
export interface TarAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Another name of a file that stands before it in the same archive. */
export interface TarLink {
  readonly name: string;
  /** The `name` of that file. */
  readonly linkTo: string;
  /** That file's mode: whoever unpacks a link takes the mode of its header. */
  readonly mode: TarFileMode;
}

export type TarEntry = TarFile | TarDirectory | TarLink;

export interface TarOptions {
  /** Seconds since 1970 of every entry; default 1980-01-01, the earliest time every tar takes without a warning. */
  readonly mtime?: number;
}

const BLOCK = 512;

/** An archive ends with two empty blocks. */
const END = Buffer.alloc(2 * BLOCK);

/**
 * The largest size that fits the header's eleven octal digits; a larger file says its size in an extended header.
 */
const MAX_USTAR_SIZE = 8 ** 11 - 1;

/** The largest number that fits the seven octal digits of an owner. */
const MAX_USTAR_ID = 8 ** 7 - 1;

/** Archives must not tell when they were made. */
const MTIME = 315_532_800;

/** The most a name or a link's target can have in the header, bytes. */
const NAME_LENGTH = 100;

/**
 * Returns a tar archive of `entries`, in their order, as a stream whose size is known.
 *
 * POSIX ustar; names over 100 bytes and sizes over 8 GiB in pax extended headers. Owner root, files 0644 or 0755,
 * directories 0755 unless they say otherwise, one fixed time: the same entries give the same bytes on every machine.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export function tar(entries: readonly TarEntry[], options: TarOptions = {}): Content {
  const size = entries.reduce((sum, entry) => sum + encodeHeaders(entry, MTIME).length + paddedSize(entry), END.length);
  return { size, open: () => streamTar(entries, options) };
}

/** Makes the same archive of entries that become known one by one, so that its size is not. */
export async function* streamTar(
  entries: Iterable<TarEntry> | AsyncIterable<TarEntry>,
  { mtime = MTIME }: TarOptions = {},
): AsyncGenerator<Buffer, void> {
  for await (const entry of entries) {
    yield encodeHeaders(entry, mtime);
    if (!('content' in entry)) continue;
    yield* exactly(entry);
    const padding = paddedSize(entry) - entry.content.size;
    if (padding > 0) yield END.subarray(0, padding);
  }
  yield END;
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
  return 'content' in entry ? Math.ceil(entry.content.size / BLOCK) * BLOCK : 0;
}

/** The fields of a header that differ from entry to entry. */
interface Header {
  readonly name: string;
  readonly linkTo: string;
  readonly size: number;
  readonly type: '0' | '1' | '5' | 'x';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const ROOT = { uid: 0, gid: 0 };

function describe(entry: TarEntry): Header {
  if ('directory' in entry) {
    const { mode, uid, gid } = entry.attributes ?? { mode: 0o755, ...ROOT };
    return { name: `${entry.directory}/`, linkTo: '', size: 0, type: '5', mode, uid, gid };
  }
  if ('linkTo' in entry) return { ...entry, ...ROOT, size: 0, type: '1' };
  return { name: entry.name, linkTo: '', size: entry.content.size, type: '0', mode: entry.mode ?? 0o644, ...ROOT };
}

function encodeHeaders(entry: TarEntry, mtime: number): Buffer {
  const header = describe(entry);
  const extended: string[] = [];
  if (Buffer.byteLength(header.name) > NAME_LENGTH) extended.push(paxRecord('path', header.name));
  if (Buffer.byteLength(header.linkTo) > NAME_LENGTH) extended.push(paxRecord('linkpath', header.linkTo));
  if (header.size > MAX_USTAR_SIZE) extended.push(paxRecord('size', String(header.size)));
  if (header.uid > MAX_USTAR_ID) extended.push(paxRecord('uid', String(header.uid)));
  if (header.gid > MAX_USTAR_ID) extended.push(paxRecord('gid', String(header.gid)));
  const size = header.size > MAX_USTAR_SIZE ? 0 : header.size;
  const uid = header.uid > MAX_USTAR_ID ? 0 : header.uid;
  const gid = header.gid > MAX_USTAR_ID ? 0 : header.gid;
  const encoded = encodeHeader({ ...header, size, uid, gid }, mtime);
  if (extended.length === 0) return encoded;
  const records = Buffer.from(extended.join(''));
  const padded = Buffer.alloc(Math.ceil(records.length / BLOCK) * BLOCK);
  records.copy(padded);
  const pax = { name: '././@PaxHeader', linkTo: '', size: records.length, type: 'x', mode: 0o644, ...ROOT } as const;
  return Buffer.concat([encodeHeader(pax, mtime), padded, encoded]);
}

/** Cuts a name to the header's 100 bytes; the whole name then stands in the extended header. */
function shorten(name: string): string {
  return Buffer.from(name)
    .subarray(0, NAME_LENGTH)
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

function encodeHeader({ name, linkTo, size, type, mode, uid, gid }: Header, mtime: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  };
  header.write(shorten(name), 0, 'utf8');
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(mtime, 136, 12);
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write(shorten(linkTo), 157, 'utf8');
  header.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
