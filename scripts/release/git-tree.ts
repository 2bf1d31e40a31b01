import { gitText } from '@slipway/sandbox/github/git/git-command';

/** What a tree holds: the content of every file, by its path. */
export type Files = ReadonlyMap<string, Uint8Array | string>;

/** A tree of files that is not yet one of git's. */
interface Directory {
  readonly files: Map<string, Uint8Array | string>;
  readonly directories: Map<string, Directory>;
}

/**
 * Writes files as a tree into the object store of `git`, and returns its id. Nothing is checked out, and nothing but the
 * paths and the bytes decides the id: no attributes, no line ends, no modes of this machine.
 *
 * https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
 */
export async function writeGitTree(git: string, files: Files): Promise<string> {
  const root: Directory = { files: new Map(), directories: new Map() };
  for (const [path, content] of files) place(root, path.split('/'), content, path);
  return writeDirectory(git, root);
}

function place(directory: Directory, [name = '', ...rest]: string[], content: Uint8Array | string, path: string): void {
  if (name === '' || name === '.' || name === '..' || name.toLowerCase() === '.git') {
    throw new Error(`'${path}' cannot be in a tree of git.`);
  }
  if (rest.length === 0) {
    directory.files.set(name, content);
    return;
  }
  const next = directory.directories.get(name) ?? { files: new Map(), directories: new Map() };
  directory.directories.set(name, next);
  place(next, rest, content, path);
}

async function writeDirectory(git: string, { files, directories }: Directory): Promise<string> {
  const entries = await Promise.all(
    [...files].map(async ([name, content]) => {
      const id = await gitText(git, ['hash-object', '-w', '--stdin'], { input: content });
      return `100644 blob ${id}\t${name}`;
    }),
  );
  for (const [name, directory] of directories) {
    entries.push(`040000 tree ${await writeDirectory(git, directory)}\t${name}`);
  }
  // git sorts what it is given.
  return gitText(git, ['mktree', '-z'], { input: entries.map((entry) => `${entry}\0`).join('') });
}
