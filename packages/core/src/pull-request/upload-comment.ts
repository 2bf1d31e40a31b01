/**
 * Returns the comment that tells where packages are: the release process of the plugins reads its last line as a
 * command. `uris` are the objects' real addresses, one or more.
 */
export function formatUploadComment(uris: readonly string[]): string {
  return ['packages uploaded to', ...uris, '/queue done-package-uploaded'].join('\n');
}
