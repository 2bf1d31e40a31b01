import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { ConfigurationError } from '../errors.ts';
import { sha256 } from '../util/content.ts';
import type { ReleaseRecord } from './release-record.ts';

/** GitHub's limit of a check run's text, in bytes; https://docs.github.com/rest/checks/runs#create-a-check-run. */
const LIMIT = 65_535;

/** Bytes that are left for what nobody can know beforehand: longer addresses, why it failed. */
const RESERVE = 8192;

/** Bytes; more is no record of ours. */
const LARGEST = 8 * 1024 * 1024;

/**
 * Returns a record as the text of a check run: JSON that people can read, and packed where that would be too long. A
 * digest cannot be packed, all the rest repeats itself: more plugins fit than a matrix of jobs can have.
 */
export function formatRecord(record: ReleaseRecord): string {
  const text = pack(record);
  const bytes = Buffer.byteLength(text);
  if (bytes <= LIMIT) return text;
  throw new ConfigurationError('release-too-large', explain(record, bytes));
}

/** Returns the JSON in the text of a check run; undefined when it holds none. */
export function parseRecordText(text: string): unknown {
  const [, form, content = ''] = /^```(json|brotli)\n(.*)\n```\s*$/s.exec(text.replaceAll('\r\n', '\n')) ?? [];
  if (form === undefined) return undefined;
  try {
    return JSON.parse(form === 'json' ? content : unpack(content));
  } catch (error) {
    // Whatever cannot be unpacked was packed by nobody of us.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/**
 * Says why a record cannot be kept once everything in it is released; undefined when it can. To be asked before anything
 * is: a release that is uploaded and cannot be written down would never be done.
 */
export function complainAboutRoom(record: ReleaseRecord): string | undefined {
  const bytes = Buffer.byteLength(pack(foresee(record)));
  return bytes <= LIMIT - RESERVE ? undefined : explain(record, bytes);
}

/** Returns the record as it will be, with as many bytes: digests and sums of which none is known are made up. */
function foresee(record: ReleaseRecord): ReleaseRecord {
  const plugins = record.plugins.map((plugin) => ({
    ...plugin,
    images: plugin.images.map((image) => ({
      ...image,
      digest: image.digest ?? `sha256:${sha256(image.source)}`,
      platforms: image.platforms ?? ['linux/amd64', 'linux/arm64'],
    })),
  }));
  const packages = plugins.map(({ plugin, version, commit, images }) => {
    const name = `${plugin}/${plugin}-${version}.tar.gz`;
    const place = { file: `/home/runner/work/_temp/slipway/${name}`, uri: `oss://packages/plugins/${name}` };
    const sum = sha256(`${plugin} ${version}`);
    return { plugin, version, commit, images, ...place, sha256: sum, size: Number.parseInt(sum.slice(0, 8), 16) };
  });
  return { ...record, state: 'done', plugins, packages };
}

function pack(record: ReleaseRecord): string {
  const json = JSON.stringify(record);
  const text = `\`\`\`json\n${json}\n\`\`\`\n`;
  if (Buffer.byteLength(text) <= LIMIT) return text;
  return `\`\`\`brotli\n${brotliCompressSync(json).toString('base64')}\n\`\`\`\n`;
}

function unpack(content: string): string {
  return brotliDecompressSync(Buffer.from(content, 'base64'), { maxOutputLength: LARGEST }).toString('utf8');
}

function explain({ pullRequest, plugins }: ReleaseRecord, bytes: number): string {
  return (
    `What the release of pull request #${pullRequest} binds, ${plugins.length} plugins, takes ${bytes} bytes, and a check ` +
    `run holds ${LIMIT}. Split the pull request: fewer plugins, or fewer images, in each.`
  );
}
