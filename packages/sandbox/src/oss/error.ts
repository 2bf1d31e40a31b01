import { element, XML_DECLARATION } from './xml.ts';

interface OssErrorExtra {
  /** OSS's fine-grained error code; only published ones are given. https://help.aliyun.com/en/oss/user-guide/0002-00000201 */
  readonly ec?: string;
  /** Further elements of the answer, such as `Endpoint`. */
  readonly details?: Readonly<Record<string, string>>;
}

/** An error that OSS answers with an `<Error>` document. https://www.alibabacloud.com/help/en/oss/support/http-400-status-code */
export class OssError extends Error {
  readonly status: number;
  readonly code: string;
  readonly ec: string | undefined;
  readonly details: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, extra: OssErrorExtra = {}) {
    super(message);
    this.name = 'OssError';
    this.status = status;
    this.code = code;
    this.ec = extra.ec;
    this.details = extra.details ?? {};
  }

  toXml(requestId: string, hostId: string): string {
    const { code: Code, message: Message, ec } = this;
    const elements = { Code, Message, RequestId: requestId, HostId: hostId, ...this.details };
    return `${XML_DECLARATION}${element('Error', ec === undefined ? elements : { ...elements, EC: ec })}`;
  }
}

export function invalidArgument(message: string, name: string, value: string, ec?: string): OssError {
  const details = { ArgumentName: name, ArgumentValue: value };
  return new OssError(400, 'InvalidArgument', message, ec === undefined ? { details } : { ec, details });
}

export function noSuchKey(key: string): OssError {
  return new OssError(404, 'NoSuchKey', 'The specified key does not exist.', {
    ec: '0026-00000001',
    details: { Key: key },
  });
}

export function noSuchUpload(uploadId: string): OssError {
  return new OssError(
    404,
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { ec: '0017-00000244', details: { UploadId: uploadId } },
  );
}

export function fileAlreadyExists(ec: string): OssError {
  const message = 'The object you specified already exists and can not be overwritten.';
  return new OssError(409, 'FileAlreadyExists', message, { ec });
}

export function malformedXml(): OssError {
  const message = 'The XML you provided was not well-formed or did not validate against our published schema.';
  return new OssError(400, 'MalformedXML', message);
}

export function notImplemented(what: string): OssError {
  return new OssError(501, 'NotImplemented', `${what} is not implemented here.`);
}
