const BLOCK = 512;

/** A file or folder in a tar archive; a folder's name ends with a slash. */
export interface TarEntry {
  readonly name: string;
  /** Bytes; 0 for a folder. */
  readonly size: number;
  readonly mode: number;
  /** Name of the file, earlier in the same archive, that this is another name of. */
  readonly linkTo?: string;
  /** What a symlink points to. */
  readonly symlink?: string;
  /** Default root. */
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Makes the header block of an entry, with time 0, so that equal entries have equal headers.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 */
export function tarHeader(entry: TarEntry): Buffer {
  if (Buffer.byteLength(entry.name) > 100) throw new Error(`name is longer than 100 bytes: ${entry.name}`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at);
  };
  header.write(entry.name, 0);
  octal(entry.mode, 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(entry.size, 124, 12);
  octal(0, 136, 12);
  header.write(typeOf(entry), 156);
  header.write(entry.linkTo ?? entry.symlink ?? '', 157);
  header.write('ustar\u000000', 257);
  // The checksum is taken with its own eight bytes as spaces.
  header.write('        ', 148);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
}

function typeOf({ name, linkTo, symlink }: TarEntry): string {
  if (linkTo !== undefined) return '1';
  if (symlink !== undefined) return '2';
  return name.endsWith('/') ? '5' : '0';
}

/** Makes the zeros that fill a file's last block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The two empty blocks that end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);
