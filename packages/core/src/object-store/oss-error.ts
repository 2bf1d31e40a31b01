import { ActionError } from '../errors.ts';
import { HttpError, judgeHttpFailure } from '../util/http.ts';
import type { Verdict } from '../util/retry.ts';
import type { OssAnswer } from './oss-exchange.ts';

/** What people can do about a refusal, by OSS's own code, and our name of the kind of failure. */
const CURES: Readonly<Record<string, readonly [code: string, cure: string]>> = {
  AccessDenied: [
    'unauthorized',
    'The access key may not do this here: its policy needs oss:GetObject, oss:PutObject, oss:AbortMultipartUpload, ' +
      'oss:ListParts and oss:ListMultipartUploads on this bucket.',
  ],
  InvalidAccessKeyId: [
    'unauthorized',
    'Check the access key id: it is unknown or disabled, or it is a temporary one whose security token was not given.',
  ],
  SignatureDoesNotMatch: [
    'unauthorized',
    'The access key secret is not the one of this access key id. Check both for a typing error or a part that is missing.',
  ],
  AccessKeyIdAndSecurityTokenNotMatch: [
    'unauthorized',
    'The security token belongs to another access key id. Give the three of one set, or no token with a lasting key.',
  ],
  InvalidSecurityToken: ['unauthorized', 'The security token is wrong or cut. Get a new one and run again.'],
  SecurityTokenExpired: ['unauthorized', 'The security token has expired. Get a new one and run again.'],
  NoSuchBucket: ['no-such-bucket', 'Check the bucket in the destination for a typing error, and the region.'],
  RequestTimeTooSkewed: ['clock-skew', "This machine's clock is wrong. Set it, with NTP if possible, and run again."],
  FileAlreadyExists: [
    'object-exists',
    'Somebody else has just put an object there. Run again to compare it with yours.',
  ],
  UserDisable: ['unauthorized', 'The account is disabled or in arrears. Ask its owner.'],
};

/** https://help.aliyun.com/en/oss/user-guide/0003-00001403 and the codes of a region in the signature. */
const WRONG_REGION = new Set(['0003-00001403', '0002-00000226', '0002-00000228']);

/** Codes of refusals that pass: the request was damaged or too slow on its way. */
const TRANSIENT = new Set(['RequestTimeout', 'InvalidDigest', 'IncompleteBody', 'ConnectionTimeout', 'SlowDown']);

/** A refusal of OSS; https://help.aliyun.com/en/oss/support/http-status-code-and-error-codes. */
export class OssError extends HttpError {
  override readonly name = 'OssError';
  /** OSS's own code, such as `NoSuchUpload`; undefined when the answer was not one of OSS. */
  readonly ossCode: string | undefined;

  /** `secrets` are taken out of what OSS says: an error may repeat what was sent. */
  constructor(host: string, purpose: string, answer: OssAnswer, secrets: readonly string[] = []) {
    const document = errorDocument(answer);
    const ossCode = field(document, 'Code');
    const ec = field(document, 'EC') ?? answer.headers['x-oss-ec'];
    const [code, cure] = explain(ossCode, ec, answer, field(document, 'Endpoint'));
    const said = [
      `${host}: cannot ${purpose}: ${answer.status}`,
      word(' ', ossCode),
      word(' - ', field(document, 'Message')?.replace(/\.$/, '')),
      word(', request id ', field(document, 'RequestId') ?? answer.headers['x-oss-request-id']),
      word(', EC ', ec),
    ];
    super(code, redact(`${said.join('')}. ${cure}`.trim(), secrets), answer);
    this.ossCode = ossCode;
  }
}

function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((safe, secret) => safe.replaceAll(secret, '***'), text);
}

function word(before: string, value: string | undefined): string {
  return value === undefined ? '' : `${before}${value}`;
}

function explain(
  ossCode: string | undefined,
  ec: string | undefined,
  { status, headers }: OssAnswer,
  endpoint: string | undefined,
): readonly [code: string, cure: string] {
  if (ec !== undefined && WRONG_REGION.has(ec)) {
    const place = endpoint === undefined ? '' : `: it is reached at ${endpoint}`;
    return [
      'wrong-region',
      `The bucket is in another region${place}. Correct oss.region, and oss.endpoint if it is set.`,
    ];
  }
  if (status >= 300 && status < 400) {
    const place = URL.parse(headers['location'] ?? '')?.origin ?? endpoint;
    return [
      'redirected',
      `It sends us elsewhere${word(', to ', place)}, and a signed request is not sent on. If OSS is reached there, set oss.endpoint${word(' to ', place)}.`,
    ];
  }
  const known = ossCode === undefined ? undefined : CURES[ossCode];
  if (known !== undefined) return known;
  if (status === 429) return ['oss-refused', 'OSS limits the number of requests: run again later.'];
  return [
    'oss-refused',
    status >= 500
      ? 'OSS has a problem: run again later, parts that were stored are kept.'
      : 'Run again; when it stays so, look up the code in the documentation of OSS, or ask its support with the request id.',
  ];
}

/** Returns the answer's error document; that of a HEAD stands in a header, for its answer has no body. */
function errorDocument({ headers, body }: OssAnswer): string {
  return body === '' ? Buffer.from(headers['x-oss-err'] ?? '', 'base64').toString('utf8') : body;
}

/** Only fields that are known to hold no secret are taken out: others repeat the request with its security token. */
function field(document: string, name: 'Code' | 'Message' | 'RequestId' | 'EC' | 'Endpoint'): string | undefined {
  const text = new RegExp(`<${name}>([^<]{1,500})</${name}>`).exec(document)?.[1];
  return text?.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

/** Bytes that are not the ones that were sent, or an answer that cannot be read: worth another try. */
export class DamageError extends ActionError {
  override readonly name = 'DamageError';
}

/** Judges failures of requests to OSS. */
export function judgeOssFailure(error: unknown): Verdict {
  if (error instanceof DamageError) return {};
  if (error instanceof OssError && TRANSIENT.has(error.ossCode ?? '')) return {};
  return judgeHttpFailure(error);
}
