import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { OssError } from './error.ts';
import type { ObjectHeaders, ObjectStore } from './object-store.ts';
import type { UploadStore } from './upload-store.ts';
import { element, XML_DECLARATION, type XmlContent } from './xml.ts';

export interface Bucket {
  readonly name: string;
  readonly objects: ObjectStore;
  readonly uploads: UploadStore;
}

/** One request whose signature was found right, about a bucket that exists. */
export interface Exchange {
  readonly method: string;
  readonly bucket: Bucket;
  readonly query: ReadonlyMap<string, string>;
  readonly request: IncomingMessage;
  readonly now: Date;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent for an empty answer. A stream needs `content-length` among the headers. */
  readonly body?: string | Readable;
}

export function xmlReply(root: string, content: XmlContent, headers: Readonly<Record<string, string>> = {}): Reply {
  const body = XML_DECLARATION + element(root, content);
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}

/** A request header that is sent at most once. */
export function headerOf({ request }: Exchange, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

export function forbidsOverwrite(exchange: Exchange): boolean {
  return headerOf(exchange, 'x-oss-forbid-overwrite')?.toLowerCase() === 'true';
}

/** @throws OssError MissingContentLength: a body of unknown length cannot be told from one that was cut off. */
export function requireContentLength(exchange: Exchange): void {
  if (headerOf(exchange, 'content-length') !== undefined) return;
  throw new OssError(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
}

const KEPT_HEADERS = [
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
];

/** Picks the headers that an object keeps. */
export function objectHeadersOf({ request }: Exchange): ObjectHeaders {
  const sent = Object.entries(request.headers).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const prefix = 'x-oss-meta-';
  return {
    headers: Object.fromEntries(sent.filter(([name]) => KEPT_HEADERS.includes(name))),
    meta: Object.fromEntries(
      sent.filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]),
    ),
  };
}
