import { createHash } from 'node:crypto';
import { constants, createReadStream, type Dirent } from 'node:fs';
import { lstat, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, systemCodeOf } from '../errors.ts';
import { gitBlobId } from './git-object.ts';
import { checkSize, type RepositoryFile, type RepositoryFiles } from './repository-files.ts';

/** The files of a checkout on disk. Symlinks are listed, and never followed. */
export class DirectoryFiles implements RepositoryFiles {
  readonly commit = '';
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async list(directory: string): Promise<readonly RepositoryFile[]> {
    await this.#requireRoot();
    if (!(await this.#isPlain(directory))) return [];
    const files = await this.#listBelow(directory);
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
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

  async #listBelow(directory: string): Promise<RepositoryFile[]> {
    const entries = await readdir(join(this.#root, directory), { withFileTypes: true });
    const files: RepositoryFile[] = [];
    for (const entry of entries) {
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory()) files.push(...(await this.#listBelow(path)));
      else if (entry.isFile() || entry.isSymbolicLink()) files.push(await this.#describe(path, entry));
    }
    return files;
  }

  async #describe(path: string, entry: Dirent): Promise<RepositoryFile> {
    const full = join(this.#root, path);
    if (entry.isSymbolicLink()) {
      const target = Buffer.from(await readlink(full));
      return { path, mode: '120000', size: target.length, id: gitBlobId(target) };
    }
    const { size, mode } = await lstat(full);
    const hash = createHash('sha1').update(`blob ${size}\0`);
    for await (const chunk of createReadStream(full)) hash.update(chunk as Buffer);
    return { path, mode: (mode & 0o100) === 0 ? '100644' : '100755', size, id: hash.digest('hex') };
  }
}
