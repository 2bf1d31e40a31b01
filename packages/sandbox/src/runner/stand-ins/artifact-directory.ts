import { join } from 'node:path';
import { env } from 'node:process';

/** Where the artifacts of the run are; each is a directory. */
export function artifactsDirectory(): string {
  const directory = env['SLIPWAY_ARTIFACTS'];
  if (directory === undefined) throw new Error('the runner has not said where artifacts are kept');
  return directory;
}

/** Returns the directory of an artifact; throws for a name that GitHub does not take. */
export function artifactDirectory(name: string): string {
  if (name === '' || name === '.' || name === '..' || /["<>|*?\r\n\\/:]/.test(name)) {
    throw new Error(`'${name}' cannot be the name of an artifact`);
  }
  return join(artifactsDirectory(), name);
}
