import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gitText, runGit } from './git-command.ts';
import { type GitObject, type ObjectInfo, ObjectReader, type ObjectType } from './object-reader.ts';
import { type Commit, entryType, formatCommit, parseCommit, parseTree, type TreeEntry } from './objects.ts';

export interface Ref {
  readonly name: string;
  readonly oid: string;
  readonly type: string;
}

/** Tells whether git would accept a full name of a ref. @see https://git-scm.com/docs/git-check-ref-format */
export function isRefName(name: string): boolean {
  return (
    /^refs\/[^/]+\/[^/]/.test(name) &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what the rule is about
    !/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$/.test(name) &&
    name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
  );
}

/** A bare repository on disk, reached through the `git` program only. */
export class GitRepository {
  readonly directory: string;
  readonly #reader: ObjectReader;
  #size: Promise<number> | undefined;

  constructor(directory: string) {
    this.directory = directory;
    this.#reader = new ObjectReader(directory);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  info(oid: string): Promise<ObjectInfo | undefined> {
    return this.#reader.info(oid);
  }

  read(oid: string): Promise<GitObject | undefined> {
    return this.#reader.read(oid);
  }

  /** The object a ref points to; a branch or light tag names a commit, an annotated tag a tag object. */
  async ref(name: string): Promise<ObjectInfo | undefined> {
    return isRefName(name) ? this.#reader.info(name) : undefined;
  }

  async branch(name: string): Promise<string | undefined> {
    return (await this.ref(`refs/heads/${name}`))?.oid;
  }

  async commit(oid: string): Promise<Commit | undefined> {
    const found = await this.#reader.read(oid);
    return found?.type === 'commit' ? parseCommit(found.oid, found.content) : undefined;
  }

  async tree(oid: string): Promise<TreeEntry[] | undefined> {
    const found = await this.#reader.read(oid);
    return found?.type === 'tree' ? parseTree(found.content) : undefined;
  }

  /** Finds the commit that a branch, a tag, a full ref or a commit id (also abbreviated) names. */
  async findCommit(name: string): Promise<string | undefined> {
    const names = [
      ...(/^[0-9a-f]{40}$/.test(name) ? [name] : []),
      ...[name, `refs/${name}`, `refs/heads/${name}`, `refs/tags/${name}`].filter(isRefName),
      ...(/^[0-9a-f]{7,39}$/.test(name) ? [name] : []),
    ];
    for (const each of names) {
      const found = await this.#reader.info(`${each}^{commit}`);
      if (found !== undefined) return found.oid;
    }
    return undefined;
  }

  async write(type: ObjectType, content: string | Uint8Array): Promise<string> {
    return gitText(this.directory, ['hash-object', '-t', type, '-w', '--stdin'], { input: content });
  }

  /** Writes many trees by one process; a tree may hold others of the list, whose ids are known beforehand. */
  async writeTrees(trees: readonly (readonly TreeEntry[])[]): Promise<void> {
    const lines = trees.map((entries) =>
      entries.map(({ mode, oid, name }) => `${mode} ${entryType(mode)} ${oid}\t${name}\0`).join(''),
    );
    await runGit(this.directory, ['mktree', '-z', '--missing', '--batch'], { input: lines.join('\0') });
  }

  writeCommit(commit: Omit<Commit, 'oid'>): Promise<string> {
    return this.write('commit', formatCommit(commit));
  }

  /** The refs whose full name starts with `prefix`, in git's order. */
  async refs(prefix: string): Promise<Ref[]> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const format = '%(refname) %(objectname) %(objecttype)';
    const lines = await gitText(this.directory, ['for-each-ref', `--format=${format}`, '--', folder]);
    return lines
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([name = '']) => name !== '' && name.startsWith(prefix))
      .map(([name = '', oid = '', type = '']) => ({ name, oid, type }));
  }

  /**
   * Moves a ref from `old` to `oid` and tells whether it did: false means that somebody else moved it meanwhile, or that
   * the name clashes with another ref. `old` null: it must not exist yet; `oid` null: delete it.
   */
  async updateRef(name: string, oid: string | null, old: string | null): Promise<boolean> {
    this.#size = undefined;
    const expected = old ?? '0'.repeat(40);
    const args = oid === null ? ['update-ref', '-d', name, expected] : ['update-ref', name, oid, expected];
    return (await runGit(this.directory, args, { accept: [0, 1, 128] })).code === 0;
  }

  /** Sets a ref of the server's own, wherever it is now. */
  async setRef(name: string, oid: string): Promise<void> {
    await runGit(this.directory, ['update-ref', name, oid]);
  }

  /** The branch that HEAD names: GitHub's default branch. */
  async defaultBranch(): Promise<string> {
    const head = await readFile(join(this.directory, 'HEAD'), 'utf8');
    return /^ref: refs\/heads\/(.+)$/m.exec(head)?.[1] ?? 'main';
  }

  /** What the objects took on disk after the last move of a ref, in KiB, without those borrowed through alternates. */
  sizeOnDisk(): Promise<number> {
    this.#size ??= this.#measure();
    return this.#size;
  }

  async #measure(): Promise<number> {
    const counts = await gitText(this.directory, ['count-objects', '-v']);
    const field = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(counts)?.[1] ?? 0);
    return field('size') + field('size-pack');
  }

  /** Copies a commit and what it needs from another repository on this disk. */
  async fetchCommit(from: GitRepository, oid: string): Promise<void> {
    if ((await this.info(oid)) !== undefined) return;
    const fetch = ['-c', 'protocol.version=2', 'fetch'];
    await runGit(this.directory, [...fetch, '--quiet', '--no-tags', '--no-write-fetch-head', from.directory, oid]);
  }
}
