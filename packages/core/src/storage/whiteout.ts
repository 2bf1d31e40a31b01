/**
 * Says whether a path has a part that engines take, in the layers of an image, for the removal of another file.
 *
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts
 */
export function hasWhiteout(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.wh.'));
}
