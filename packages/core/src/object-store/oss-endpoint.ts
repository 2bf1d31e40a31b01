import { isIP } from 'node:net';
import { CONFIGURATION_FILE } from '../configuration/configuration.ts';
import { ConfigurationError } from '../errors.ts';

/** Where OSS is reached, and for which region requests are signed. */
export interface OssEndpoint {
  /** With `oss-` in front, as in host names. */
  readonly region: string;
  readonly origin: URL;
  /** `localhost` cannot carry the bucket in its name; it stands in the path instead. */
  readonly pathStyle: boolean;
}

/**
 * Returns the endpoint of a bucket: the region's public one unless `endpoint` names another (an internal or accelerated
 * one, or a server on loopback).
 *
 * Throws a ConfigurationError for anything that is not encrypted, unless it never leaves this machine: a signature that
 * is read on the way can be used for a quarter of an hour.
 */
export function resolveOssEndpoint(
  bucket: string,
  settings: {
    readonly region: string;
    readonly endpoint: string | undefined;
    readonly secure: boolean;
    /** Who says `endpoint`, for messages (default: `oss.endpoint`). */
    readonly origin?: string;
  },
): OssEndpoint {
  const region = normalizeRegion(settings.region);
  const says = settings.origin ?? 'oss.endpoint';
  const given = settings.endpoint ?? `${region}.aliyuncs.com`;
  const scheme = settings.secure ? 'https' : 'http';
  const origin = URL.parse(given.includes('://') ? given : `${scheme}://${given}`);
  if (given.includes('@') || (origin !== null && /[?#]/.test(given))) {
    // It is not repeated: what stands before an @ may be a password.
    throw new ConfigurationError(
      'invalid-endpoint',
      `${says} holds a user name, a query or a fragment. Give scheme and host only, as in ` +
        'https://oss-cn-hangzhou-internal.aliyuncs.com; the access key has inputs of its own.',
    );
  }
  if (origin === null || !/^https?:$/.test(origin.protocol) || origin.pathname !== '/') {
    throw new ConfigurationError(
      'invalid-endpoint',
      `${says}: '${given}' is no endpoint; it should look like https://oss-cn-hangzhou-internal.aliyuncs.com.`,
    );
  }
  // The console shows the bucket's own domain too, and the bucket is put in front anyway.
  if (carriesBucket(origin.hostname, bucket)) origin.hostname = origin.hostname.slice(bucket.length + 1);
  if (origin.hostname === '[::1]') {
    throw new ConfigurationError(
      'invalid-endpoint',
      `${says}: requests to OSS cannot be signed for the address [::1]; write ${origin.protocol}//localhost` +
        `${origin.port === '' ? '' : `:${origin.port}`} instead.`,
    );
  }
  if (!isLoopback(origin.hostname) && (origin.protocol !== 'https:' || !settings.secure)) {
    throw new ConfigurationError(
      'plain-http',
      `oss: ${origin.host} would be reached without encryption, which is allowed on this machine only. ` +
        (settings.secure
          ? `Begin ${says} with https://.`
          : `Remove \`secure: false\` from ${CONFIGURATION_FILE}, so that https:// is used.`),
    );
  }
  return { region, origin, pathStyle: origin.hostname === 'localhost' };
}

function normalizeRegion(region: string): string {
  if (/^(?:oss-)?[a-z]{2,}(?:-[a-z0-9]+)+$/.test(region)) return region.startsWith('oss-') ? region : `oss-${region}`;
  throw new ConfigurationError(
    'invalid-region',
    `oss.region: '${region}' is no region; an example is oss-cn-hangzhou.`,
  );
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Tells a bucket in front of an endpoint from an endpoint whose first label is just called the same. */
function carriesBucket(hostname: string, bucket: string): boolean {
  if (isIP(hostname) !== 0 || !hostname.startsWith(`${bucket}.`)) return false;
  const rest = hostname.slice(bucket.length + 1);
  return rest === 'localhost' || rest.split('.').length >= 3;
}
