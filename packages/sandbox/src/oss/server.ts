import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import { type ListeningServer, type ListenOptions, listen } from '../http-server.ts';
import { type Address, addressOf } from './address.ts';
import { notImplemented, OssError } from './error.ts';
import type { Bucket, Exchange, Reply } from './exchange.ts';
import { listObjects, listParts, listUploads } from './list-requests.ts';
import { deleteObject, getObject, headObject, putObject } from './object-requests.ts';
import { ObjectStore, type StoredObject } from './object-store.ts';
import { type Credential, verifySignature } from './signature.ts';
import { abortUpload, completeUpload, initiateUpload, uploadPart } from './upload-requests.ts';
import { type StoredPart, type StoredUpload, UploadStore } from './upload-store.ts';

export interface OssOptions extends ListenOptions {
  /** Everything is kept here; a server started on the same directory continues. */
  readonly directory: string;
  /** `cn-hangzhou` or `oss-cn-hangzhou`. */
  readonly region: string;
  readonly buckets: readonly string[];
  readonly credentials: readonly Credential[];
  /** The server's clock (default: the system's). */
  readonly now?: () => Date;
}

export interface OssServer extends ListeningServer {
  /** The objects of a bucket as they are on disk, in the order of a listing. */
  objects(bucket: string): Promise<StoredObject[]>;
  /** The unfinished uploads of a bucket as they are on disk, with their parts by number. */
  uploads(bucket: string): Promise<(StoredUpload & { readonly parts: readonly StoredPart[] })[]>;
}

/** Starts an Alibaba Cloud OSS on loopback. https://help.aliyun.com/en/oss/developer-reference/overview-24 */
export async function startOss(options: OssOptions): Promise<OssServer> {
  const region = options.region.replace(/^oss-/, '');
  const buckets = new Map<string, Bucket>();
  for (const name of options.buckets) buckets.set(name, await openBucket(options.directory, name));
  const now = options.now ?? (() => new Date());

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomBytes(12).toString('hex').toUpperCase();
    response.setHeader('server', 'AliyunOSS');
    response.setHeader('x-oss-request-id', requestId);
    try {
      const address = addressOf(request);
      const method = request.method ?? 'GET';
      const time = now();
      verifySignature(
        { ...address, method, headers: request.headers },
        { credentials: options.credentials, region: address.endpointRegion ?? region, now: time },
      );
      const bucket = findBucket(buckets, address, region);
      await send(response, await answer({ method, bucket, query: address.query, request, now: time }, address.key));
    } catch (error) {
      if (!(error instanceof OssError) || response.headersSent) throw error;
      // A client that is still sending may take an early answer for a broken connection.
      await finished(request.resume());
      await send(response, errorReply(error, request, requestId));
    }
  };

  const server = await listen(options, handle);
  const bucketNamed = (name: string): Bucket => {
    const bucket = buckets.get(name);
    if (bucket === undefined) throw new Error(`this server has no bucket ${name}`);
    return bucket;
  };
  return {
    ...server,
    objects: (name) => bucketNamed(name).objects.list(),
    uploads: async (name) => {
      const { uploads } = bucketNamed(name);
      const found = await uploads.list();
      return Promise.all(found.map(async (upload) => ({ ...upload, parts: await uploads.parts(upload.uploadId) })));
    },
  };
}

async function openBucket(directory: string, name: string): Promise<Bucket> {
  if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name)) throw new Error(`not a bucket name: ${name}`);
  const objects = new ObjectStore(join(directory, name));
  const uploads = new UploadStore(join(directory, name));
  await objects.open();
  await uploads.open();
  return { name, objects, uploads };
}

function findBucket(buckets: ReadonlyMap<string, Bucket>, address: Address, region: string): Bucket {
  if (address.bucket === undefined) throw notImplemented('A request without a bucket');
  const bucket = buckets.get(address.bucket);
  if (bucket === undefined) {
    throw new OssError(404, 'NoSuchBucket', 'The specified bucket does not exist.', {
      ec: '0015-00000101',
      details: { BucketName: address.bucket },
    });
  }
  if (address.endpointRegion !== undefined && address.endpointRegion !== region) {
    const message =
      'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.';
    throw new OssError(403, 'AccessDenied', message, {
      ec: '0003-00001403',
      details: { Bucket: bucket.name, Endpoint: `oss-${region}.aliyuncs.com` },
    });
  }
  return bucket;
}

/** Chooses the operation; nearly every one is a method together with the presence of one query parameter. */
function answer(exchange: Exchange, key: string | undefined): Promise<Reply> {
  const { method, query } = exchange;
  if (key === undefined) {
    if (method !== 'GET') throw notImplemented(`${method} of a bucket`);
    return query.has('uploads') ? listUploads(exchange) : listObjects(exchange);
  }
  const uploadId = query.get('uploadId');
  if (uploadId !== undefined) {
    if (method === 'PUT') return uploadPart(exchange, key, uploadId);
    if (method === 'POST') return completeUpload(exchange, key, uploadId);
    if (method === 'DELETE') return abortUpload(exchange, key, uploadId);
    if (method === 'GET') return listParts(exchange, key, uploadId);
  } else if (method === 'POST' && query.has('uploads')) {
    return initiateUpload(exchange, key);
  } else if (isPlain(exchange)) {
    if (method === 'PUT') return putObject(exchange, key);
    if (method === 'GET') return getObject(exchange, key);
    if (method === 'HEAD') return headObject(exchange, key);
    if (method === 'DELETE') return deleteObject(exchange, key);
  }
  throw notImplemented(`${method} with these parameters`);
}

const PLAIN_PARAMETER =
  /^(objectMeta|x-oss-(signature|signature-version|credential|date|expires|additional-headers|security-token))$/;

/** Tells a request about an object's content from one about its ACL, tags and so on, which must not be taken for it. */
function isPlain({ query, request }: Exchange): boolean {
  return (
    [...query.keys()].every((name) => PLAIN_PARAMETER.test(name)) && request.headers['x-oss-copy-source'] === undefined
  );
}

/** An answer to HEAD has no body, so OSS puts the document into a header. */
function errorReply(error: OssError, request: IncomingMessage, requestId: string): Reply {
  const xml = error.toXml(requestId, request.headers.host ?? '');
  const headers = error.ec === undefined ? {} : { 'x-oss-ec': error.ec };
  if (request.method === 'HEAD') {
    return { status: error.status, headers: { ...headers, 'x-oss-err': Buffer.from(xml).toString('base64') } };
  }
  return { status: error.status, headers: { ...headers, 'content-type': 'application/xml' }, body: xml };
}

async function send(response: ServerResponse, { status, headers = {}, body }: Reply): Promise<void> {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body !== undefined && typeof body !== 'string') return pipeline(body, response);
  if (body !== undefined) response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}
