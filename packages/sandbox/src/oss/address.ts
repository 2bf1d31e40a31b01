import type { IncomingMessage } from 'node:http';
import { OssError } from './error.ts';

/** What a request is about. */
export interface Address {
  readonly bucket: string | undefined;
  /** Absent for requests about a whole bucket. */
  readonly key: string | undefined;
  readonly query: ReadonlyMap<string, string>;
  /** The region that the host name speaks of, such as `cn-hangzhou`; absent with path style. */
  readonly endpointRegion: string | undefined;
}

const OSS_HOST = /^(?:([a-z0-9][a-z0-9-]{1,61}[a-z0-9])\.)?oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com(?::\d+)?$/;

/**
 * Finds bucket and key, either from `Host: <bucket>.oss-<region>.aliyuncs.com` or, for any other host, from the first
 * segment of the path. OSS itself serves the first form only; the second is for clients that cannot choose their Host.
 *
 * The path is taken as it was sent: a URL parser would fold `..` and `//`, which are legal in keys.
 * @throws OssError InvalidURI or InvalidObjectName
 * https://help.aliyun.com/en/oss/developer-reference/overview-24
 */
export function addressOf(request: IncomingMessage): Address {
  const url = request.url ?? '/';
  const cut = url.indexOf('?');
  const path = decode(cut === -1 ? url : url.slice(0, cut)).slice(1);
  const query = parseQuery(cut === -1 ? '' : url.slice(cut + 1));
  const host = OSS_HOST.exec(request.headers.host ?? '');
  const virtual = host?.[1];
  if (virtual !== undefined) return { bucket: virtual, key: keyOf(path), query, endpointRegion: host?.[2] };
  const slash = path.indexOf('/');
  const bucket = slash === -1 ? path : path.slice(0, slash);
  const key = slash === -1 ? undefined : keyOf(path.slice(slash + 1));
  return { bucket: bucket === '' ? undefined : bucket, key, query, endpointRegion: host?.[2] };
}

function keyOf(text: string): string | undefined {
  if (text === '') return undefined;
  if (Buffer.byteLength(text) > 1023 || /^[/\\]/.test(text)) {
    throw new OssError(400, 'InvalidObjectName', 'The specified object is not valid.', {
      details: { ObjectName: text },
    });
  }
  return text;
}

function parseQuery(text: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split('&').filter((item) => item !== '')) {
    const equals = pair.indexOf('=');
    const name = equals === -1 ? pair : pair.slice(0, equals);
    query.set(
      decode(name.replaceAll('+', ' ')),
      equals === -1 ? '' : decode(pair.slice(equals + 1).replaceAll('+', ' ')),
    );
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new OssError(400, 'InvalidURI', "Couldn't parse the specified URI.", { details: { URI: text } });
  }
}
