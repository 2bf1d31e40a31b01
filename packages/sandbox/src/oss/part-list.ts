import { malformedXml } from './error.ts';
import { unescapeText } from './xml.ts';

export interface ListedPart {
  readonly number: number;
  /** Upper case, without quotes. */
  readonly etag: string;
}

const DOCUMENT = /^\s*(?:<\?xml[^>]*\?>)?\s*<CompleteMultipartUpload\b[^>]*>([\s\S]*)<\/CompleteMultipartUpload>\s*$/;
const PART = /\s*<Part>([\s\S]*?)<\/Part>\s*/y;
const NUMBER = /<PartNumber>\s*(\d+)\s*<\/PartNumber>/;
const ETAG = /<ETag>\s*([^<]+?)\s*<\/ETag>/;

/**
 * Reads the body of CompleteMultipartUpload in the order given.
 * @throws OssError MalformedXML when the document is not a list of at least one part.
 * https://help.aliyun.com/en/oss/developer-reference/completemultipartupload
 */
export function parsePartList(xml: string): ListedPart[] {
  const inner = DOCUMENT.exec(xml)?.[1];
  if (inner === undefined) throw malformedXml();
  const parts: ListedPart[] = [];
  PART.lastIndex = 0;
  while (PART.lastIndex < inner.length) {
    const part = PART.exec(inner)?.[1];
    if (part === undefined) throw malformedXml();
    parts.push(parsePart(part));
  }
  if (parts.length === 0) throw malformedXml();
  return parts;
}

function parsePart(xml: string): ListedPart {
  const number = NUMBER.exec(xml)?.[1];
  const etag = ETAG.exec(xml)?.[1];
  if (number === undefined || etag === undefined) throw malformedXml();
  return { number: Number(number), etag: unescapeText(etag).replaceAll('"', '').toUpperCase() };
}
