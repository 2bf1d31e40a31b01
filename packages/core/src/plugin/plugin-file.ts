import { isUtf8 } from 'node:buffer';
import { isRegular, type RepositoryFile } from '../github/repository-files.ts';
import { parseYaml, type YamlDocument, YamlError } from '../util/yaml-document.ts';
import { classifyPath, type PluginPath } from './plugin-path.ts';
import { type PluginSpec, readSpec } from './plugin-spec.ts';

/** A plugin's file is a page of text; what is larger is a mistake, or an attack on whoever parses it. */
export const SIZE_LIMIT = 1024 * 1024;

/** A file of the repository; `bytes` are absent where `isWorthReading` says no. */
export interface SourceFile extends RepositoryFile {
  readonly bytes?: Buffer;
}

/** A file in the directory of the plugins, read as far as it can be read. */
export interface PluginFile {
  readonly path: string;
  /** What the path says; only `plugin` is judged by content. */
  readonly place: PluginPath;
  readonly source: SourceFile;
  /** Line of the first byte that is no UTF-8. */
  readonly badLine?: number;
  readonly syntaxError?: YamlError;
  readonly document?: YamlDocument;
  /** What the rules ask about; empty when the file could not be parsed. */
  readonly spec: PluginSpec;
}

/** Says whether a listed file can be a plugin's: nothing else needs to be fetched. */
export function isWorthReading(file: RepositoryFile, directory: string): boolean {
  return isRegular(file) && file.size <= SIZE_LIMIT && classifyPath(file.path, directory).kind === 'plugin';
}

/**
 * Returns what is in a file; never throws, whatever the bytes are.
 *
 * What cannot be read leaves `document` undefined; the rules say why.
 */
export function readPluginFile(source: SourceFile, directory: string): PluginFile {
  const file = { path: source.path, place: classifyPath(source.path, directory), source };
  const { bytes } = source;
  if (bytes === undefined || !isWorthReading(source, directory)) return { ...file, spec: readSpec(undefined) };
  const badLine = findBadLine(bytes);
  if (badLine !== undefined) return { ...file, badLine, spec: readSpec(undefined) };
  try {
    const document = parseYaml(bytes.toString('utf8').replace(/^\uFEFF/, ''));
    return { ...file, document, spec: readSpec(document) };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { ...file, syntaxError: error, spec: readSpec(undefined) };
  }
}

/** Returns the line of the first byte that is no UTF-8. */
function findBadLine(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined;
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    const next = end === -1 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(start, next))) return line;
    start = next;
  }
  return 1;
}
