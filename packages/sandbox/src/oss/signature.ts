import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { invalidArgument, OssError } from './error.ts';
import { type Claim, claimOf } from './signature-claim.ts';

export interface Credential {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Given for temporary credentials: requests must carry it. */
  readonly securityToken?: string;
}

/** The parts of a request that a signature covers. */
export interface SignableRequest {
  readonly method: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
}

export interface Verifier {
  readonly credentials: readonly Credential[];
  /** The region that requests must be signed for, such as `cn-hangzhou`. */
  readonly region: string;
  readonly now: Date;
}

const ALLOWED_SKEW_MILLISECONDS = 15 * 60 * 1000;

/**
 * Proves that a request was signed (OSS V4, in the header or in the URL) with a known secret, for this region and now.
 * @throws OssError for every way in which it was not.
 * https://help.aliyun.com/en/oss/developer-reference/recommend-to-use-signature-version-4
 * https://help.aliyun.com/en/oss/developer-reference/add-signatures-to-urls
 */
export function verifySignature(request: SignableRequest, verifier: Verifier): void {
  const claim = claimOf(request);
  checkScope(claim, verifier.region);
  checkTime(claim, verifier.now);
  const credential = verifier.credentials.find(({ accessKeyId }) => accessKeyId === claim.accessKeyId);
  if (credential === undefined) {
    throw new OssError(403, 'InvalidAccessKeyId', 'The OSS Access Key Id you provided does not exist in our records.', {
      ec: '0002-00000902',
      details: { OSSAccessKeyId: claim.accessKeyId },
    });
  }
  checkToken(claim, credential);
  const canonical = canonicalRequest(request, claim.additionalHeaders);
  const text = stringToSign(claim, canonical);
  if (signatureOf(claim, credential.accessKeySecret, text) === claim.signature) return;
  throw new OssError(
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    {
      ec: '0002-00000201',
      details: {
        OSSAccessKeyId: claim.accessKeyId,
        SignatureProvided: claim.signature,
        StringToSign: text,
        CanonicalRequest: canonical,
      },
    },
  );
}

function checkScope({ source, scope }: Claim, region: string): void {
  const [argument, ec] =
    source === 'header' ? ['Authorization header', '0002-00000228'] : ['x-oss-credential', '0002-00000226'];
  if (scope.region !== region) {
    throw invalidArgument(`Invalid signing region in ${argument}.`, argument, scope.region, ec);
  }
}

function checkTime({ source, date, time, scope, expires }: Claim, now: Date): void {
  if (scope.date !== date.slice(0, 8)) {
    throw invalidArgument('Invalid signing date in Authorization header.', 'Credential', scope.date, '0002-00000213');
  }
  const age = now.getTime() - time.getTime();
  if (expires !== undefined && age > expires * 1000) {
    throw new OssError(403, 'AccessDenied', 'Request has expired.', {
      details: { Expires: new Date(time.getTime() + expires * 1000).toISOString(), ServerTime: now.toISOString() },
    });
  }
  const skew = source === 'header' ? Math.abs(age) : -age;
  if (skew > ALLOWED_SKEW_MILLISECONDS) {
    throw new OssError(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        ec: '0002-00000504',
        details: {
          MaxAllowedSkewMilliseconds: String(ALLOWED_SKEW_MILLISECONDS),
          RequestTime: time.toISOString(),
          ServerTime: now.toISOString(),
        },
      },
    );
  }
}

function checkToken({ accessKeyId, securityToken }: Claim, credential: Credential): void {
  if (securityToken === credential.securityToken) return;
  const details = { OSSAccessKeyId: accessKeyId };
  if (securityToken === undefined) {
    throw new OssError(
      403,
      'InvalidAccessKeyId',
      'The OSS Access Key Id you provided does not exist in our records. The Security Token may be lost to specify that it is a STS Access Id.',
      { ec: '0002-00000003', details },
    );
  }
  if (credential.securityToken === undefined) {
    throw new OssError(
      403,
      'AccessKeyIdAndSecurityTokenNotMatch',
      'The OSS access key id and security token you provided does not match.',
      { ec: '0002-00000004', details },
    );
  }
  throw new OssError(403, 'InvalidSecurityToken', 'The security token you provided is invalid.', {
    ec: '0002-00000008',
    details,
  });
}

function canonicalRequest(request: SignableRequest, additionalHeaders: readonly string[]): string {
  const { method, bucket, key, query, headers } = request;
  const uri = encode(bucket === undefined ? '/' : `/${bucket}/${key ?? ''}`).replaceAll('%2F', '/');
  const parameters = [...query]
    .filter(([name]) => name !== 'x-oss-signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const signed = Object.keys(headers).filter(
    (name) =>
      name === 'content-type' ||
      name === 'content-md5' ||
      name.startsWith('x-oss-') ||
      additionalHeaders.includes(name),
  );
  const lines = signed.sort().map((name) => `${name}:${String(headers[name]).trim()}\n`);
  return [method, uri, parameters.join('&'), lines.join(''), additionalHeaders.join(';'), 'UNSIGNED-PAYLOAD'].join(
    '\n',
  );
}

function stringToSign({ date, scope }: Claim, canonical: string): string {
  // Node hands over header values with one character a byte; the signature covers those bytes.
  const hash = createHash('sha256').update(canonical, 'latin1').digest('hex');
  return ['OSS4-HMAC-SHA256', date, `${scope.date}/${scope.region}/oss/aliyun_v4_request`, hash].join('\n');
}

function signatureOf({ scope }: Claim, secret: string, text: string): string {
  const key = [scope.date, scope.region, 'oss', 'aliyun_v4_request'].reduce<string | Buffer>(
    (chain, word) => createHmac('sha256', chain).update(word).digest(),
    `aliyun_v4${secret}`,
  );
  return createHmac('sha256', key).update(text).digest('hex');
}

/** Percent-encodes everything but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
