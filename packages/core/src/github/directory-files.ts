import { createHash } from 'node:crypto';
import { constants, createReadStream, type Dirent, type Stats } from 'node:fs';
import { lstat, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, messageOf, systemCodeOf } from '../errors.ts';
import { mapPooled } from '../util/pool.ts';
import { gitBlobId } from './git-object.ts';
import { checkSize, type RepositoryFile, type RepositoryFiles } from './repository-files.ts';

/** Files that are open at once. */
const AT_ONCE = 8;

/** The files of a checkout on disk. Symlinks are listed, and never followed. */
export class DirectoryFiles implements RepositoryFiles {
  readonly commit = '';
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async list(directory: string): Promise<readonly RepositoryFile[]> {
    await this.#requireRoot();
    await this.#requireDirectory(directory);
    try {
      const files = await listBelow(Buffer.from(join(this.#root, directory)), directory);
      return files.sort((a, b) => (a.path < b.path ? -1 : 1));
    } catch (error) {
      if (systemCodeOf(error) === undefined) throw error;
      throw new ConfigurationError('unreadable-directory', `input 'directory': ${messageOf(error)}.`, { cause: error });
    }
  }

  async read({ path }: RepositoryFile): Promise<Buffer> {
    // O_NOFOLLOW: what was a file when it was listed must not have become a way out of the directory.
    const file = await open(join(this.#root, path), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  readMany(files: readonly RepositoryFile[]): Promise<readonly Buffer[]> {
    return mapPooled(files, AT_ONCE, (file) => this.read(file));
  }

  async find(path: string): Promise<Buffer | undefined> {
    await this.#requireRoot();
    if (!(await this.#isPlain(path))) return undefined;
    const stats = await lstat(join(this.#root, path));
    if (!stats.isFile()) return undefined;
    checkSize(path, stats.size);
    return this.read({ path, size: stats.size, mode: '100644', id: '' });
  }

  /** Says whether `path` is there and no symlink is on the way to it, as none is in a commit's trees. */
  async #isPlain(path: string): Promise<boolean> {
    try {
      return (await realpath(join(this.#root, path))) === join(await realpath(this.#root), path);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCodeOf(error) ?? '')) return false;
      throw error;
    }
  }

  async #requireRoot(): Promise<void> {
    const isDirectory = await stat(this.#root).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (isDirectory) return;
    throw new ConfigurationError('missing-directory', `input 'directory': there is no directory ${this.#root}.`);
  }

  /** Nothing to list would look as if nothing were wrong: somebody named this directory. */
  async #requireDirectory(directory: string): Promise<void> {
    const stats = await lstat(join(this.#root, directory)).catch(() => undefined);
    if (stats?.isDirectory() === true && (await this.#isPlain(directory))) return;
    throw new ConfigurationError(
      'missing-directory',
      `input 'directory': ${this.#root} has no directory ${directory}: ${describeInstead(stats)}. ` +
        'Name the checkout of a release repository, or correct plugins.directory in its configuration.',
    );
  }
}

function describeInstead(stats: Stats | undefined): string {
  if (stats === undefined) return 'there is nothing of that name';
  if (stats.isDirectory() || stats.isSymbolicLink()) return 'a symlink is on the way to it, and none is followed';
  return 'that is a file';
}

/** Lists what is below a directory. Its path is bytes: a disk takes names that are no text. */
async function listBelow(full: Buffer, directory: string): Promise<RepositoryFile[]> {
  const files: RepositoryFile[] = [];
  for (const entry of await readdir(full, { withFileTypes: true, encoding: 'buffer' })) {
    // A name that is no UTF-8 is shown with replacement characters; no plugin is called so.
    const path = `${directory}/${entry.name.toString('utf8')}`;
    const below = Buffer.concat([full, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) files.push(...(await listBelow(below, path)));
    else files.push(await describe(below, path, entry));
  }
  return files;
}

async function describe(full: Buffer, path: string, entry: Dirent<Buffer>): Promise<RepositoryFile> {
  if (entry.isSymbolicLink()) {
    const target = await readlink(full, { encoding: 'buffer' });
    return { path, mode: '120000', size: target.length, id: gitBlobId(target) };
  }
  if (!entry.isFile()) return { path, mode: 'special', size: 0, id: '' };
  const { size, mode } = await lstat(full);
  const hash = createHash('sha1').update(`blob ${size}\0`);
  for await (const chunk of createReadStream(full)) hash.update(chunk as Buffer);
  return { path, mode: (mode & 0o100) === 0 ? '100644' : '100755', size, id: hash.digest('hex') };
}
