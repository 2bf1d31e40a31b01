import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { memoryBlob } from './sample-blob.ts';
import type { SampleLayer } from './sample-layer.ts';
import { TAR_END, tarHeader, tarPadding } from './ustar.ts';

/** What stands under a name in a layer; null is a directory. */
export type LayerContent =
  | string
  | Buffer
  | null
  | { readonly content: string | Buffer; readonly mode: number }
  | { readonly linkTo: string }
  | { readonly symlink: string }
  | { readonly directory: { readonly mode: number; readonly uid: number; readonly gid: number } };

/**
 * Makes a layer of these files, in their order; directories on the way are listed before what is in them. A whiteout is
 * an empty file whose name begins with `.wh.`.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
 */
export function makeFileLayer(files: Readonly<Record<string, LayerContent>>): SampleLayer {
  const parts: Buffer[] = [];
  const directories = new Set<string>();
  const addDirectory = (path: string): void => {
    if (path === '' || directories.has(path)) return;
    addDirectory(path.slice(0, Math.max(path.lastIndexOf('/'), 0)));
    directories.add(path);
    parts.push(tarHeader({ name: `${path}/`, size: 0, mode: 0o755 }));
  };
  for (const [name, file] of Object.entries(files)) {
    if (isDirectory(file)) {
      addDirectory(name.slice(0, Math.max(name.lastIndexOf('/'), 0)));
      directories.add(name);
      parts.push(tarHeader({ name: `${name}/`, size: 0, ...file.directory }));
      continue;
    }
    addDirectory(file === null ? name : name.slice(0, Math.max(name.lastIndexOf('/'), 0)));
    if (file === null) continue;
    if (typeof file === 'object' && 'linkTo' in file) {
      parts.push(tarHeader({ name, size: 0, mode: 0o644, linkTo: file.linkTo }));
      continue;
    }
    if (typeof file === 'object' && 'symlink' in file) {
      parts.push(tarHeader({ name, size: 0, mode: 0o777, symlink: file.symlink }));
      continue;
    }
    const { content, mode } = typeof file === 'string' || Buffer.isBuffer(file) ? { content: file, mode: 0o644 } : file;
    const bytes = Buffer.from(content);
    parts.push(tarHeader({ name, size: bytes.length, mode }), bytes, tarPadding(bytes.length));
  }
  const tar = Buffer.concat([...parts, TAR_END]);
  return { blob: memoryBlob(gzipSync(tar)), diffId: `sha256:${createHash('sha256').update(tar).digest('hex')}` };
}

function isDirectory(file: LayerContent): file is Extract<LayerContent, { readonly directory: unknown }> {
  return typeof file === 'object' && file !== null && 'directory' in file;
}
