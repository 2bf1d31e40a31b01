import type { ServerResponse } from 'node:http';
import { sendJson } from '../http-server.ts';

/** The error codes of the distribution specification, and the two that the reference registry adds for ranges and paging. */
export type ErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS'
  | 'RANGE_INVALID'
  | 'PAGINATION_NUMBER_INVALID';

/** A refusal that is answered in the specification's JSON form. */
export class RegistryError extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    more: { readonly detail?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.name = 'RegistryError';
    this.status = status;
    this.code = code;
    this.detail = more.detail;
    this.headers = more.headers ?? {};
  }
}

/**
 * Makes the body of an error answer; tests give it to a `status` fault, to refuse as a real registry does.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export function errorBody(code: ErrorCode, message: string, detail?: unknown): { errors: object[] } {
  return { errors: [detail === undefined ? { code, message } : { code, message, detail }] };
}

export function sendError(response: ServerResponse, error: RegistryError): void {
  sendJson(response, error.status, errorBody(error.code, error.message, error.detail), error.headers);
}
