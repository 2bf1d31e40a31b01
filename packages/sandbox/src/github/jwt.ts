import { type KeyObject, verify } from 'node:crypto';
import { ApiError } from './api-error.ts';
import { isJsonObject, type JsonObject } from './payload.ts';

/** In seconds. @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app */
const limits = { lifetime: 600, skew: 60 };

/** What a JSON web token says, before anybody believes it. */
export interface Claims {
  readonly issuer: string;
  isSignedBy(key: KeyObject): boolean;
  /** Throws GitHub's refusal for a token that is not valid at this time. */
  requireTimes(now: Date): void;
}

/** Reads a JSON web token of an app; undefined for one that is not of the form, or signed by anything but RS256. */
export function readClaims(jwt: string): Claims | undefined {
  const [header = '', body = '', signature = ''] = jwt.split('.');
  const claims = readPart(body);
  if (claims === undefined || readPart(header)?.['alg'] !== 'RS256') return undefined;
  const signed = Buffer.from(`${header}.${body}`);
  return {
    issuer: String(claims['iss']),
    isSignedBy: (key) => verify('RSA-SHA256', signed, key, Buffer.from(signature, 'base64url')),
    requireTimes: (now) => requireTimes(claims, now.getTime() / 1000),
  };
}

function readPart(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function requireTimes({ iat, exp }: JsonObject, now: number): void {
  // A clock may be ahead of GitHub's by a minute, not more.
  if (!Number.isInteger(iat) || Number(iat) > now + limits.skew) {
    throw new ApiError(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
  if (!Number.isInteger(exp) || Number(exp) <= now) {
    throw new ApiError(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  }
  if (Number(exp) > now + limits.lifetime) {
    throw new ApiError(401, "'Expiration time' claim ('exp') is too far in the future");
  }
}
