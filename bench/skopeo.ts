import { findProgram } from '../test/interop/peers.ts';
import { words } from './measure.ts';

/** Says that a program is not on this machine; undefined when it is. */
export function whyMissing(...programs: readonly string[]): string | undefined {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(', ')} is not installed`;
}

const SKOPEO = ['skopeo', '--insecure-policy'];
const PLAIN = ['--src-tls-verify=false', '--dest-tls-verify=false'];

/** An image to copy, `host/path:tag` each. */
export interface Copy {
  readonly source: string;
  readonly target: string;
}

/** `skopeo copy`, one image after the other. */
export function copyOneByOne(copies: readonly Copy[]): string {
  return copies
    .map(({ source, target }) => words(...copyWords, `docker://${source}`, `docker://${target}`))
    .join(' && ');
}

/** `skopeo copy`, four images at once. */
export function copyFourAtOnce(copies: readonly Copy[]): string {
  const list = copies.map(({ source, target }) => `docker://${source} docker://${target}`).join('\\n');
  return `printf '${list}\\n' | xargs -P4 -L1 ${words(...copyWords)}`;
}

const copyWords = [...SKOPEO, 'copy', '--quiet', '--all', ...PLAIN];

/** `skopeo sync` of the images that a file made by {@link syncFile} lists, to repositories below `target`. */
export function sync(file: string, target: string): string {
  return words(
    ...SKOPEO,
    'sync',
    '--all',
    '--src',
    'yaml',
    '--dest',
    'docker',
    '--dest-tls-verify=false',
    file,
    target,
  );
}

/** @see https://github.com/containers/skopeo/blob/main/docs/skopeo-sync.1.md#yaml-file-content-used-source-for---src-yaml */
export function syncFile(host: string, repositories: readonly string[], tag: string): string {
  const images = repositories.map((repository) => `    ${repository}: ["${tag}"]\n`).join('');
  return `${host}:\n  tls-verify: false\n  images:\n${images}`;
}

/** Writes an image into docker's form of an archive, which holds layers unpacked, through a compressor. */
export function dockerArchive(source: string, name: string, compressor: string, file: string): string {
  const archive = words(
    ...SKOPEO,
    'copy',
    '--quiet',
    PLAIN[0] ?? '',
    `docker://${source}`,
    `docker-archive:/dev/stdout:${name}`,
  );
  return `${archive} | ${compressor} > ${words(file)}`;
}

/** Writes an image into an OCI archive, its layers as they are. */
export function ociArchive(source: string, name: string, file: string): string {
  return words(
    ...SKOPEO,
    'copy',
    '--quiet',
    '--all',
    PLAIN[0] ?? '',
    `docker://${source}`,
    `oci-archive:${file}:${name}`,
  );
}
