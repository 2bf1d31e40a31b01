import { invalidArgument } from './error.ts';

/** Compares keys the way OSS sorts them: by their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export interface Page<T> {
  readonly items: readonly T[];
  /** What keys with a delimiter after the prefix have in common up to that delimiter, each once. */
  readonly commonPrefixes: readonly string[];
  /** The last key or common prefix of this page; undefined when the listing ends here. */
  readonly next: string | undefined;
}

export interface PageRequest {
  readonly prefix: string;
  /** '' means no grouping. */
  readonly delimiter: string;
  /** Only what sorts behind this key or common prefix; '' means from the start. */
  readonly after: string;
  /** How many keys and common prefixes together. */
  readonly limit: number;
}

/** Cuts one page out of entries sorted by key. https://help.aliyun.com/en/oss/developer-reference/listobjectsv2 */
export function pageOf<T extends { readonly key: string }>(sorted: readonly T[], request: PageRequest): Page<T> {
  const { prefix, delimiter, after, limit } = request;
  const items: T[] = [];
  const commonPrefixes: string[] = [];
  let last = after;
  for (const item of sorted) {
    if (!item.key.startsWith(prefix)) continue;
    const end = delimiter === '' ? -1 : item.key.indexOf(delimiter, prefix.length);
    const name = end === -1 ? item.key : item.key.slice(0, end + delimiter.length);
    if (compareKeys(name, last) <= 0) continue;
    if (items.length + commonPrefixes.length === limit) return { items, commonPrefixes, next: last };
    if (end === -1) items.push(item);
    else commonPrefixes.push(name);
    last = name;
  }
  return { items, commonPrefixes, next: undefined };
}

/** Reads a page size such as `max-keys`. @throws OssError InvalidArgument outside 1 to 1000. */
export function parseLimit(query: ReadonlyMap<string, string>, name: string, standard: number): number {
  const text = query.get(name);
  if (text === undefined) return standard;
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > 1000) {
    throw invalidArgument(`Argument ${name} must be an integer between 1 and 1000.`, name, text);
  }
  return limit;
}

/** The encoding that `encoding-type` asks for; keys may hold characters that XML cannot. */
export function keyEncoder(query: ReadonlyMap<string, string>): (key: string) => string {
  const type = query.get('encoding-type');
  if (type === undefined || type === '') return (key) => key;
  if (type !== 'url') throw invalidArgument('Invalid Encoding Method specified in Request.', 'encoding-type', type);
  return encodeURIComponent;
}
