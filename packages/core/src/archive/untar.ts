import { ActionError } from '../errors.ts';

/** An entry of a tar archive that is being read. */
export interface ReadEntry {
  /** As it stands in the archive, without `./` or `/` before it and without a slash at its end. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'hardlink' | 'symlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** What a link points to, spelled like `path` for hard links. */
  readonly linkTo: string;
  /** The file's bytes; must be read before the next entry is asked for, what is not read is skipped. */
  readonly content: AsyncIterable<Buffer>;
}

const BLOCK = 512;

/** Extended headers are a few hundred bytes; more is no archive of ours or of any engine's. */
const HEADER_LIMIT = 1024 * 1024;

/**
 * Reads a tar archive entry by entry: ustar, pax and GNU's long names and large sizes, as container engines write them.
 * Throws an ActionError that names `where` for what is no tar archive or ends too early.
 *
 * The source is read to its end, past the archive's: only then has whoever checks its digest seen all of it.
 *
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export async function* untar(source: AsyncIterable<Buffer>, where: string): AsyncGenerator<ReadEntry, void> {
  const bytes = new ByteReader(source, where);
  try {
    yield* readEntries(bytes, where);
    await bytes.drain();
  } finally {
    await bytes.close();
  }
}

async function* readEntries(bytes: ByteReader, where: string): AsyncGenerator<ReadEntry, void> {
  let extended: Readonly<Record<string, string>> = {};
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (header === undefined || header.every((byte) => byte === 0)) break;
    checkSum(header, where);
    const type = String.fromCharCode(header[156] ?? 0);
    const size = extended['size'] === undefined ? readNumber(header, 124, 12) : Number(extended['size']);
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if ('xgLK'.includes(type)) {
      if (size > HEADER_LIMIT) throw damaged(where, `an extended header of ${size} bytes`);
      const text = (await bytes.expect(size)).toString('utf8');
      await bytes.expect(padding);
      if (type === 'x') extended = { ...extended, ...parsePax(text) };
      if (type === 'L') extended = { ...extended, path: text.replace(/\0.*$/s, '') };
      if (type === 'K') extended = { ...extended, linkpath: text.replace(/\0.*$/s, '') };
      continue;
    }
    const linkTo = extended['linkpath'] ?? readText(header, 157, 100);
    const kind = kindOf(type);
    // Links may say the size of what they point to; only its own bytes follow a header.
    const length = kind === 'file' || kind === 'other' ? size : 0;
    let left = length;
    const content = (async function* (): AsyncGenerator<Buffer, void> {
      while (left > 0) {
        const chunk = await bytes.some(left);
        left -= chunk.length;
        yield chunk;
      }
    })();
    yield {
      path: cleanPath(extended['path'] ?? readName(header)),
      kind,
      mode: readNumber(header, 100, 8),
      uid: Number(extended['uid'] ?? readNumber(header, 108, 8)),
      gid: Number(extended['gid'] ?? readNumber(header, 116, 8)),
      size: length,
      linkTo: kind === 'hardlink' ? cleanPath(linkTo) : linkTo,
      content,
    };
    while (left > 0) left -= (await bytes.some(left)).length;
    if (length > 0) await bytes.expect(padding);
    extended = {};
  }
}

function kindOf(type: string): ReadEntry['kind'] {
  switch (type) {
    case '0':
    case '\0':
    case '7':
      return 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '5':
      return 'directory';
    default:
      return 'other';
  }
}

function readName(header: Buffer): string {
  const name = readText(header, 0, 100);
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? readText(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function readText(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
}

/** Octal digits, or GNU's large numbers: the first bit set, the rest big-endian. */
function readNumber(header: Buffer, at: number, length: number): number {
  if (((header[at] ?? 0) & 0x80) === 0) return Number.parseInt(readText(header, at, length).trim() || '0', 8);
  return header.subarray(at + 1, at + length).reduce((value, byte) => value * 256 + byte, 0);
}

function checkSum(header: Buffer, where: string): void {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (readNumber(header, 148, 8) !== sum) throw damaged(where, 'a header whose checksum is wrong');
}

function parsePax(text: string): Record<string, string> {
  const records: Record<string, string> = {};
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    const length = Number.parseInt(rest.toString('latin1', 0, 20), 10);
    if (!(length > 0)) break;
    const [, key = '', value = ''] = /^\d+ ([^=]*)=(.*)\n$/s.exec(rest.toString('utf8', 0, length)) ?? [];
    records[key] = value;
    rest = rest.subarray(length);
  }
  return records;
}

function cleanPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

function damaged(where: string, what: string): ActionError {
  return new ActionError('invalid-tar', `${where}: the layer is no intact tar archive: it has ${what}.`);
}

/** Takes bytes off a stream in the portions that a format asks for. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #where: string;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>, where: string) {
    this.#chunks = source[Symbol.asyncIterator]();
    this.#where = where;
  }

  /** Returns exactly `size` bytes; undefined at the end. */
  async take(size: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = size;
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#more())) {
        if (missing === size) return undefined;
        throw damaged(this.#where, 'an early end');
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** Returns exactly `size` bytes, which must be there. */
  async expect(size: number): Promise<Buffer> {
    const bytes = size === 0 ? Buffer.alloc(0) : await this.take(size);
    if (bytes === undefined) throw damaged(this.#where, 'an early end');
    return bytes;
  }

  /** Returns what is there, at least one byte and at most `most`. */
  async some(most: number): Promise<Buffer> {
    if (this.#rest.length === 0 && !(await this.#more())) throw damaged(this.#where, 'an early end');
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  /** Reads the rest, and lets go of it. */
  async drain(): Promise<void> {
    do this.#rest = Buffer.alloc(0);
    while (await this.#more());
  }

  /** Tells the source that nobody reads on: a connection may hang on it. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #more(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next();
      if (done === true) return false;
      this.#rest = value;
    }
    return true;
  }
}
