import type { Moment } from './wire-fault.ts';

/** The servers that an action talks to. */
export type Side = 'source' | 'target' | 'oss';

/** One kind of request that the actions make, and how it is told from the others. */
export interface RequestKind {
  readonly name: string;
  readonly side: Side;
  readonly method: string;
  readonly path: RegExp;
  readonly hasBody: boolean;
  /** Whether there is a body in the answer, and one that is read. */
  readonly isAnswered: boolean;
}

const UPLOAD = /\/blobs\/uploads\/[^?]+/;
const MOUNT = /\/blobs\/uploads\/\?.*mount=/;
const MANIFEST = /\/manifests\//;
const BLOB = /\/blobs\/[a-z0-9]+:/;

function kind(
  side: Side,
  name: string,
  method: string,
  path: RegExp,
  bodies: { readonly request?: boolean; readonly answer?: boolean } = {},
): RequestKind {
  return { name, side, method, path, hasBody: bodies.request ?? false, isAnswered: bodies.answer ?? false };
}

/** Every kind of request that copies an image from one registry to another. */
export const SYNC_KINDS: readonly RequestKind[] = [
  kind('source', 'token of the source', 'GET', /^\/token/, { answer: true }),
  kind('source', 'manifest HEAD', 'HEAD', MANIFEST),
  kind('source', 'manifest GET', 'GET', MANIFEST, { answer: true }),
  kind('source', 'blob GET', 'GET', BLOB, { answer: true }),
  kind('target', 'token of the target', 'GET', /^\/token/, { answer: true }),
  kind('target', 'tag HEAD', 'HEAD', MANIFEST),
  kind('target', 'blob HEAD', 'HEAD', BLOB),
  kind('target', 'mount POST', 'POST', MOUNT),
  kind('target', 'upload POST', 'POST', /\/blobs\/uploads\/$/),
  kind('target', 'upload PATCH', 'PATCH', UPLOAD, { request: true }),
  kind('target', 'upload PUT', 'PUT', UPLOAD, { request: true }),
  kind('target', 'manifest PUT', 'PUT', MANIFEST, { request: true }),
];

/** Every kind of request that uploads a package that is made on the way. */
export const UPLOAD_KINDS: readonly RequestKind[] = [
  kind('target', 'manifest GET of the package', 'GET', MANIFEST, { answer: true }),
  kind('target', 'blob GET of the package', 'GET', BLOB, { answer: true }),
  kind('oss', 'HEAD', 'HEAD', /./),
  kind('oss', 'list', 'GET', /[?&]uploads/, { answer: true }),
  kind('oss', 'initiate', 'POST', /[?&]uploads/, { answer: true }),
  kind('oss', 'part', 'PUT', /partNumber=/, { request: true }),
  kind('oss', 'complete', 'POST', /uploadId=/, { request: true, answer: true }),
  kind('oss', 'put', 'PUT', /\.sha256(\?|$)/, { request: true }),
];

/** The moments at which a connection can be cut while a request of this kind is under way. */
export function momentsOf({ hasBody, isAnswered }: RequestKind): Moment[] {
  return [
    'request head',
    ...(hasBody ? (['request body'] as const) : []),
    'before answer',
    'answer head',
    ...(isAnswered ? (['answer body'] as const) : []),
  ];
}
