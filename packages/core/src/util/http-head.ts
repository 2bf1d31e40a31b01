/** The head of an answer: everything before its body. */
export interface Head {
  readonly status: number;
  /** Names are lower-case; what came several times is joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the server keeps the connection for another request. */
  readonly keepsAlive: boolean;
}

/** How the end of a body is known; https://www.rfc-editor.org/rfc/rfc9112#section-6.3. */
export type Framing = { readonly kind: 'length'; readonly size: number } | { readonly kind: 'chunked' | 'close' };

/** An answer that is no HTTP. */
export class HttpSyntaxError extends Error {
  readonly code = 'NO_HTTP';
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;

/** A field name and its value; a name that ends in a space, and lines that go on in the next one, are attacks. */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/**
 * Parses the head of an answer, without the empty line that ends it. Throws an HttpSyntaxError for anything that two readers
 * could understand differently.
 *
 * https://www.rfc-editor.org/rfc/rfc9112#section-4
 */
export function parseHead(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, status] = STATUS_LINE.exec(first) ?? [];
  if (status === undefined) throw new HttpSyntaxError(`'${first.slice(0, 80)}' is no answer of an HTTP server`);
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const [, field = '', value = ''] = FIELD.exec(line) ?? [];
    if (field === '') throw new HttpSyntaxError(`'${line.slice(0, 80)}' is no header`);
    const name = field.toLowerCase();
    const before = headers[name];
    if (before !== undefined && before !== value && name === 'content-length') {
      throw new HttpSyntaxError('the answer has two lengths');
    }
    headers[name] = before === undefined || name === 'content-length' ? value : `${before}, ${value}`;
  }
  const keepsAlive = minor === '1' && !/\bclose\b/i.test(headers['connection'] ?? '');
  return { status: Number(status), headers, keepsAlive };
}

/** Tells how the body of an answer ends; throws an HttpSyntaxError when nobody can tell. */
export function framingOf({ status, headers }: Head, method: string): Framing {
  if (method === 'HEAD' || status === 204 || status === 304) return { kind: 'length', size: 0 };
  const encoding = headers['transfer-encoding'];
  if (encoding !== undefined) {
    if (encoding.toLowerCase() === 'chunked') return { kind: 'chunked' };
    throw new HttpSyntaxError(`the answer has the transfer encoding '${encoding.slice(0, 80)}'`);
  }
  const length = headers['content-length'];
  if (length === undefined) return { kind: 'close' };
  if (/^\d{1,15}$/.test(length)) return { kind: 'length', size: Number(length) };
  throw new HttpSyntaxError(`the answer has the length '${length.slice(0, 80)}'`);
}

/** Text that would break out of a header. */
const UNSAFE = /[^\t\x20-\x7e\x80-\xff]/;

/** Returns the head of a request as it goes over the wire. Throws a TypeError for a header that would break out of it. */
export function formatHead(method: string, url: URL, headers: Readonly<Record<string, string>>): string {
  // A given host is another one than that of the address, as OSS has it where a bucket is reached through an IP.
  const all = { host: url.host, ...headers };
  let head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(all)) {
    if (!FIELD.test(`${name}:`) || UNSAFE.test(value)) throw new TypeError(`The header ${name} cannot be sent.`);
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}
