/** Where the bytes of a file come from: a git repository, or what was read out of an image. */
export interface FileSource {
  /** Returns the bytes that have this git blob id; `path` names the file in errors. */
  read(id: string, path: string): Promise<Buffer>;
}
