import { createRequire } from 'node:module';

interface ClientOptions {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly stsToken?: string;
  readonly region: string;
  readonly bucket: string;
  readonly endpoint: string;
  readonly cname?: boolean;
  readonly sldEnable?: boolean;
  readonly authorizationV4: boolean;
  readonly headerEncoding?: 'utf-8' | 'latin1';
}

interface RequestOptions {
  headers?: Record<string, string>;
  meta?: Record<string, string>;
  mime?: string;
  additionalHeaders?: string[];
}

interface ClientResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

interface Part {
  readonly PartNumber: string;
  readonly ETag: string;
  readonly Size: string;
  readonly HashCrc64ecma: string;
}

interface ListedUpload {
  readonly name: string;
  readonly uploadId: string;
}

type Query = Record<string, string | number>;

/** The part of ali-oss 6.23 that tests of the OSS server use. https://github.com/ali-sdk/ali-oss */
export interface AliOss {
  put(name: string, file: Buffer | string, options?: RequestOptions): Promise<{ res: ClientResponse }>;
  get(name: string, options?: RequestOptions): Promise<{ res: ClientResponse; content: Buffer }>;
  head(name: string, options?: RequestOptions): Promise<{ res: ClientResponse; meta: Record<string, string> | null }>;
  delete(name: string): Promise<{ res: ClientResponse }>;
  listV2(query: Query): Promise<{
    objects: { name: string; size: number; etag: string }[];
    prefixes: string[] | null;
    isTruncated: boolean;
    keyCount: number;
    nextContinuationToken: string | null;
  }>;
  initMultipartUpload(name: string, options?: RequestOptions): Promise<{ uploadId: string }>;
  uploadPart(
    name: string,
    uploadId: string,
    number: number,
    file: string,
    start: number,
    end: number,
    options?: RequestOptions,
  ): Promise<{ etag: string; res: ClientResponse }>;
  /** A single part comes as an object, not as a list. */
  listParts(
    name: string,
    uploadId: string,
    query?: Query,
  ): Promise<{ parts: Part | Part[]; isTruncated: string; nextPartNumberMarker: string }>;
  listUploads(query: Query): Promise<{
    uploads: ListedUpload[];
    isTruncated: boolean;
    nextKeyMarker: string;
    nextUploadIdMarker: string;
  }>;
  completeMultipartUpload(
    name: string,
    uploadId: string,
    parts: readonly { number: number; etag: string }[],
    options?: RequestOptions,
  ): Promise<{ etag: string; res: ClientResponse }>;
  abortMultipartUpload(name: string, uploadId: string): Promise<{ res: ClientResponse }>;
  signatureUrlV4(
    method: string,
    expires: number,
    request: { headers?: Record<string, string>; queries?: Record<string, string> },
    name: string,
  ): Promise<string>;
}

/** Makes the real client; the package is CommonJS and comes without types. */
export function connectAliOss(options: ClientOptions): AliOss {
  const Client: new (options: ClientOptions & { refreshSTSTokenInterval: number }) => AliOss = createRequire(
    import.meta.url,
  )('ali-oss');
  // Without this the client warns about every security token; it changes nothing else.
  return new Client({ ...options, refreshSTSTokenInterval: 300_000 });
}
