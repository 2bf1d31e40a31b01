/** An entry of a tar archive; paths are absolute. */
export type TarMember =
  | { readonly type: 'file'; readonly path: string; readonly content: Buffer }
  | { readonly type: 'link'; readonly path: string; readonly linkTo: string }
  | { readonly type: 'other'; readonly path: string };

const BLOCK = 512;

/**
 * Reads a tar archive: ustar, and pax for long names.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 */
export function readTar(tar: Buffer): TarMember[] {
  const members: TarMember[] = [];
  let extended = new Map<string, string>();
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const type = String.fromCharCode(header[156] ?? 0);
    const size = Number.parseInt(text(header, 124, 12), 8);
    const content = tar.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === 'x') {
      extended = readRecords(content);
      continue;
    }
    const prefix = text(header, 345, 155);
    const name = text(header, 0, 100);
    const path = absolute(extended.get('path') ?? (prefix === '' ? name : `${prefix}/${name}`));
    if (type === '0' || type === '\0') members.push({ type: 'file', path, content });
    else if (type === '1') {
      members.push({ type: 'link', path, linkTo: absolute(extended.get('linkpath') ?? text(header, 157, 100)) });
    } else members.push({ type: 'other', path });
    extended = new Map();
  }
  return members;
}

function text(header: Buffer, at: number, length: number): string {
  const [value = ''] = header.toString('utf8', at, at + length).split('\0');
  return value.trim();
}

function readRecords(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let rest = content; rest.length > 0; ) {
    const length = Number.parseInt(rest.toString('latin1'), 10);
    if (!(length > 0)) break;
    const [, key = '', value = ''] = /^\d+ ([^=]+)=(.*)\n$/s.exec(rest.toString('utf8', 0, length)) ?? [];
    records.set(key, value);
    rest = rest.subarray(length);
  }
  return records;
}

function absolute(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
}
