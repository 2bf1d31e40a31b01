/**
 * The part of ali-oss 6.23 that is used here: it knows the requests and signs them; `urllib` sends them.
 *
 * What comes out of an answer's XML is `unknown`: the library hands it on unchecked.
 * https://github.com/ali-sdk/ali-oss
 */
declare module 'ali-oss' {
  import type { Readable } from 'node:stream';

  namespace OSS {
    interface Options {
      readonly accessKeyId: string;
      readonly accessKeySecret: string;
      readonly stsToken?: string;
      /** Without it the library warns about every security token; it changes nothing else. */
      readonly refreshSTSTokenInterval: number;
      /** With `oss-` in front. */
      readonly region: string;
      readonly bucket: string;
      readonly endpoint: string;
      readonly secure: boolean;
      readonly authorizationV4: true;
      /** Together: the bucket stands in the path instead of the host name. */
      readonly cname: boolean;
      readonly sldEnable: boolean;
      readonly urllib: Transport;
    }

    interface Transport {
      request(url: string, request: TransportRequest): Promise<TransportResult>;
    }

    interface TransportRequest {
      readonly method: string;
      readonly headers: Readonly<Record<string, unknown>>;
      readonly content?: Buffer | string;
      readonly stream?: Readable;
    }

    interface TransportResult {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly data: Buffer;
      readonly res: Response;
    }

    interface Response {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
    }

    interface RequestOptions {
      headers?: Record<string, string>;
      meta?: Record<string, string>;
    }
  }

  class OSS {
    constructor(options: OSS.Options);
    head(key: string): Promise<{ res: OSS.Response }>;
    put(key: string, bytes: Buffer, options: OSS.RequestOptions): Promise<{ res: OSS.Response }>;
    initMultipartUpload(key: string, options: OSS.RequestOptions): Promise<{ uploadId: unknown }>;
    uploadPart(
      key: string,
      uploadId: string,
      number: number,
      body: Readable,
      start: number,
      end: number,
    ): Promise<{ etag: string; res: OSS.Response }>;
    completeMultipartUpload(
      key: string,
      uploadId: string,
      parts: readonly { readonly number: number; readonly etag: string }[],
      options: OSS.RequestOptions,
    ): Promise<{ res: OSS.Response }>;
    abortMultipartUpload(key: string, uploadId: string): Promise<unknown>;
    listUploads(query: Readonly<Record<string, string>>): Promise<{
      uploads: readonly { readonly name: unknown; readonly uploadId: unknown }[];
      isTruncated: boolean;
      nextKeyMarker: unknown;
      nextUploadIdMarker: unknown;
    }>;
    /** A single part comes as an object, not as a list. */
    listParts(
      key: string,
      uploadId: string,
      query: Readonly<Record<string, string>>,
    ): Promise<{ parts: unknown; isTruncated: unknown; nextPartNumberMarker: unknown }>;
  }

  export = OSS;
}
