import type { IncomingHttpHeaders } from 'node:http';
import { invalidArgument, OssError } from './error.ts';

/** What a request says about its own signature, not yet believed. */
export interface Claim {
  readonly source: 'header' | 'url';
  readonly accessKeyId: string;
  readonly scope: { readonly date: string; readonly region: string };
  readonly signature: string;
  /** Lower case, in the order given. */
  readonly additionalHeaders: readonly string[];
  /** As signed: `yyyymmddThhmmssZ`. */
  readonly date: string;
  readonly time: Date;
  /** Seconds from `time`; only for signed URLs. */
  readonly expires: number | undefined;
  readonly securityToken: string | undefined;
}

interface ClaimSource {
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
}

const ALGORITHM = 'OSS4-HMAC-SHA256';
const LONGEST_EXPIRY_SECONDS = 7 * 24 * 60 * 60;

/** Reads the claim from the Authorization header or from the URL. @throws OssError when there is none, or an older one. */
export function claimOf(request: ClaimSource): Claim {
  const { authorization } = request.headers;
  if (authorization?.startsWith(`${ALGORITHM} `)) return headerClaim(request, authorization);
  if (request.query.get('x-oss-signature-version') === ALGORITHM) return urlClaim(request.query);
  if (authorization?.startsWith('OSS ') || request.query.has('OSSAccessKeyId')) {
    throw new OssError(403, 'AccessDenied', 'The V1 signature is not allowed. Use the V4 signature.', {
      ec: '0002-00000080',
    });
  }
  if (authorization !== undefined) {
    throw invalidArgument('Authorization header is invalid.', 'Authorization', authorization, '0002-00000061');
  }
  throw new OssError(403, 'AccessDenied', 'You have no right to access this object because of bucket acl.', {
    ec: '0003-00000001',
  });
}

function headerClaim({ headers }: ClaimSource, authorization: string): Claim {
  const fields = new Map(
    authorization
      .slice(ALGORITHM.length)
      .split(',')
      .map((field) => {
        const [name = '', ...value] = field.trim().split('=');
        return [name, value.join('=')] as const;
      }),
  );
  const signature = fields.get('Signature');
  const credential = fields.get('Credential');
  if (signature === undefined || credential === undefined) {
    throw invalidArgument('Authorization header is invalid.', 'Authorization', authorization, '0002-00000202');
  }
  const content = single(headers, 'x-oss-content-sha256') ?? '';
  if (content !== 'UNSIGNED-PAYLOAD') {
    throw invalidArgument('x-oss-content-sha256 is invalid.', 'x-oss-content-sha256', content, '0002-00000214');
  }
  return {
    source: 'header',
    ...parseCredential(credential),
    signature,
    additionalHeaders: splitHeaders(fields.get('AdditionalHeaders')),
    ...parseDate(single(headers, 'x-oss-date')),
    expires: undefined,
    securityToken: single(headers, 'x-oss-security-token'),
  };
}

function urlClaim(query: ReadonlyMap<string, string>): Claim {
  const expires = query.get('x-oss-expires') ?? '';
  if (!/^[1-9]\d*$/.test(expires) || Number(expires) > LONGEST_EXPIRY_SECONDS)
    throw invalidArgument('x-oss-expires is invalid.', 'x-oss-expires', expires);
  return {
    source: 'url',
    ...parseCredential(query.get('x-oss-credential') ?? ''),
    signature: query.get('x-oss-signature') ?? '',
    additionalHeaders: splitHeaders(query.get('x-oss-additional-headers')),
    ...parseDate(query.get('x-oss-date')),
    expires: Number(expires),
    securityToken: query.get('x-oss-security-token'),
  };
}

function parseCredential(text: string): Pick<Claim, 'accessKeyId' | 'scope'> {
  const [, accessKeyId, date, region] = /^([^/]+)\/(\d{8})\/([^/]+)\/oss\/aliyun_v4_request$/.exec(text) ?? [];
  if (accessKeyId === undefined || date === undefined || region === undefined) {
    throw invalidArgument('Credential is invalid.', 'Credential', text, '0002-00000213');
  }
  return { accessKeyId, scope: { date, region } };
}

function parseDate(text: string | undefined): Pick<Claim, 'date' | 'time'> {
  const date = text ?? '';
  const time = new Date(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!/^\d{8}T\d{6}Z$/.test(date) || Number.isNaN(time.getTime())) {
    throw new OssError(403, 'AccessDenied', 'OSS authentication requires a valid Date.');
  }
  return { date, time };
}

function splitHeaders(text: string | undefined): string[] {
  return text === undefined ? [] : text.toLowerCase().split(';');
}

function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
