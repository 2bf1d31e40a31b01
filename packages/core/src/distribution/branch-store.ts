import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ActionError, ConfigurationError, messageOf, systemCodeOf } from '../errors.ts';
import { sha256 } from '../util/content.ts';
import { RetryBudget, type Verdict } from '../util/retry.ts';
import { BranchFiles } from './branch-files.ts';
import { GitBlobs, UNREADABLE_OBJECT, unreadable } from './git-blobs.ts';
import { GitError, gitEnvironment, runGit } from './git-command.ts';
import { type GitTree, parseTree } from './git-tree.ts';
import { makeTemporaryDirectory } from './temporary-directory.ts';

export interface BranchStoreOptions {
  /** `https://github.com/owner/name`, or a path on disk. */
  readonly url: string;
  /** Undefined asks without one, which public repositories allow. */
  readonly token: string | undefined;
  /** Lasting directory; what is there already is not fetched again. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The git objects of a storage repository on this machine: a bare repository without history and without a checkout,
 * for a checkout of 128,000 files takes longer than everything else together.
 *
 * Trees alone are kept apart from whole commits: where files are missing on purpose, git fetches them one by one.
 */
export class BranchStore {
  readonly #options: BranchStoreOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #budget = new RetryBudget();

  constructor(options: BranchStoreOptions) {
    this.#options = options;
    const { url, token, env } = options;
    this.#env = gitEnvironment(env, {
      'protocol.version': '2',
      'gc.auto': '0',
      // Always packs, which can be moved as a whole.
      'fetch.unpackLimit': '1',
      // None: a repository that borrows objects has the refs that it needs.
      'core.alternateRefsPrefixes': 'refs/none',
      // Seconds without a byte.
      'http.lowSpeedLimit': '1',
      'http.lowSpeedTime': '120',
      // A redirect to another host would take the token along.
      'http.followRedirects': 'false',
      ...(token !== undefined &&
        /^https?:/.test(url) && { [`http.${new URL(url).origin}/.extraheader`]: basic(token) }),
    });
  }

  /**
   * Fetches a commit with all of its files, unless it is here, and returns what it holds. What turns out to be damaged
   * here is thrown away and fetched once more.
   */
  openCommit(commit: string): Promise<BranchCommit> {
    return this.#renewing('objects', async () => {
      const directory = await this.#fetch('objects', commit, []);
      const [tree, time] = [await this.#readTree(directory, commit, []), await this.#readTime(directory, commit)];
      const [broken] = tree.damaged;
      if (broken !== undefined) throw unreadable(broken.path, broken.id, 'git cannot tell its size');
      const blobs = new BranchFiles(this.#openBlobs(directory), async () => {
        await this.#discard('objects');
        return this.#openBlobs(await this.#fetch('objects', commit, []));
      });
      return { commit, time, tree, blobs };
    });
  }

  /** Returns the ids of a commit's directories, without fetching its files. */
  async readDirectories(commit: string): Promise<GitTree['directories']> {
    const whole = this.#directory('objects');
    const kind = (await this.#has(whole, commit)) ? 'objects' : 'trees';
    return this.#renewing(kind, async () => {
      const directory = await this.#fetch(kind, commit, kind === 'trees' ? TREES_ONLY : []);
      return (await this.#readTree(directory, commit, ['-d'])).directories;
    });
  }

  /** Returns the commit that a branch shows now; undefined when there is no such branch. */
  async findHead(branch: string): Promise<string | undefined> {
    const { url } = this.#options;
    const temporary = await makeTemporaryDirectory(join(this.#options.directory, 'git'), 'look');
    try {
      const listing = await this.#fetchFrom(temporary, ['ls-remote', '--refs', url, `refs/heads/${branch}`]);
      return /^[0-9a-f]+/.exec(listing.toString('utf8'))?.[0];
    } catch (error) {
      throw error instanceof GitError ? explainFetch(error, url, `the head of '${branch}'`) : error;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /** Tries once more, with nothing kept, after what is kept turned out to be damaged. */
  async #renewing<T>(kind: Kind, operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof ActionError) || error.code !== UNREADABLE_OBJECT) throw error;
      if (!(await this.#discard(kind))) throw error;
      return operation();
    }
  }

  /** Removes what is kept; says whether there was anything. */
  async #discard(kind: Kind): Promise<boolean> {
    const directory = this.#directory(kind);
    const aside = await makeTemporaryDirectory(dirname(directory), 'damaged');
    try {
      // Renamed first: somebody else may be using it, and would be given half of it.
      await rename(directory, aside);
      return true;
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return false;
      throw error;
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  #openBlobs(directory: string): GitBlobs {
    return new GitBlobs(directory, { ...this.#env, GIT_NO_LAZY_FETCH: '1' });
  }

  async #readTree(directory: string, commit: string, options: readonly string[]): Promise<GitTree> {
    const listing = await this.#read(directory, commit, ['ls-tree', '-r', '-t', ...options, '-z', '--long', commit]);
    return parseTree(listing);
  }

  /**
   * The commit's date, seconds since 1970: it is when the image counts as made. `git show` would look at the parents,
   * which are not here.
   */
  async #readTime(directory: string, commit: string): Promise<number> {
    const text = (await this.#read(directory, commit, ['cat-file', 'commit', commit])).toString('utf8');
    return Number(/^committer .* (\d+) [-+]\d{4}$/m.exec(text)?.[1]);
  }

  async #read(directory: string, commit: string, args: readonly string[]): Promise<Buffer> {
    try {
      return await this.#git(directory, args);
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      throw new ActionError(
        UNREADABLE_OBJECT,
        `The commit ${commit} or a directory of it cannot be read: ${messageOf(error)}. Repair the repository (git fsck names what is broken).`,
        { cause: error },
      );
    }
  }

  async #fetch(kind: Kind, commit: string, filter: readonly string[]): Promise<string> {
    const directory = this.#directory(kind);
    if (await this.#has(directory, commit)) return directory;
    const { url } = this.#options;
    const temporary = await makeTemporaryDirectory(dirname(directory), 'fetch');
    try {
      await this.#git(temporary, ['init', '--bare', '--quiet']);
      if (filter.length === 0) await this.#borrow(directory, temporary);
      await this.#fetchFrom(temporary, [
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        '--depth=1',
        ...filter,
        url,
        commit,
      ]);
      await this.#keep(temporary, directory, commit);
      return directory;
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      const broken = filter.length === 0 ? await this.#findBroken(error, commit) : undefined;
      throw broken ?? explainFetch(error, url, commit);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /** Lets a new repository use what the standing one has, so that only what is new is sent. */
  async #borrow(directory: string, temporary: string): Promise<void> {
    const commits = (await listDirectory(join(directory, REFS))).sort();
    if (commits.length === 0) return;
    await writeFile(join(temporary, 'objects', 'info', 'alternates'), `${resolve(directory, 'objects')}\n`);
    // Refs of its own: those of the standing repository may become more while this one fetches.
    const refs = commits.map((commit) => `${commit} refs/slipway/${commit}\n`);
    await writeFile(join(temporary, 'packed-refs'), refs.join(''));
    // The parents of these commits are not there.
    await writeFile(join(temporary, 'shallow'), commits.map((commit) => `${commit}\n`).join(''));
  }

  /**
   * Moves what was fetched to the standing repository: packs by their names, which are those of their contents, then the
   * ref. Every move is one rename, so that a kill leaves no lock behind and others may do the same at once.
   */
  async #keep(temporary: string, directory: string, commit: string): Promise<void> {
    const packs = join('objects', 'pack');
    await this.#makeStanding(directory);
    // The index makes a pack count, so it comes last.
    const names = (await readdir(join(temporary, packs))).sort((a, b) => rankPackFile(a) - rankPackFile(b));
    for (const name of names) await rename(join(temporary, packs, name), join(directory, packs, name));
    await mkdir(join(directory, REFS), { recursive: true });
    await writeFile(join(temporary, 'ref'), `${commit}\n`);
    await rename(join(temporary, 'ref'), join(directory, REFS, commit));
  }

  async #makeStanding(directory: string): Promise<void> {
    if ((await listDirectory(directory)).includes('HEAD')) return;
    const temporary = await makeTemporaryDirectory(dirname(directory), 'init');
    try {
      await this.#git(temporary, ['init', '--bare', '--quiet']);
      await rename(temporary, directory);
    } catch (error) {
      // Another process was faster.
      if (!['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) throw error;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /** A fetch that broke is begun anew: git keeps nothing of a half one. */
  async #fetchFrom(directory: string, args: readonly string[]): Promise<Buffer> {
    const judge = (error: unknown): Verdict => error instanceof GitError && PASSING.test(error.message) && {};
    return this.#budget.run(() => this.#git(directory, args), { judge, attempts: 3 });
  }

  /** Names the file whose object the server cannot read: git says its id, and the commit's trees say where it is. */
  async #findBroken(error: GitError, commit: string): Promise<ActionError | undefined> {
    const ids = new Set(error.message.match(/\b[0-9a-f]{40}\b/g));
    ids.delete(commit);
    if (ids.size === 0 || !UNREADABLE.test(error.message)) return undefined;
    try {
      const trees = await this.#fetch('trees', commit, TREES_ONLY);
      for (const line of (await this.#git(trees, ['ls-tree', '-r', '-z', commit])).toString('utf8').split('\0')) {
        const [, id = '', path = ''] = /^\d+ blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
        if (ids.has(id)) return unreadable(path, id, 'the server cannot read it');
      }
    } catch {
      // Then a tree is what it cannot read, and what git said has to do.
    }
    return undefined;
  }

  /** A commit counts as here when its ref does: that is written when everything has arrived. */
  async #has(directory: string, commit: string): Promise<boolean> {
    try {
      await access(join(directory, 'HEAD'));
      await this.#git(directory, ['rev-parse', '--verify', '--quiet', `refs/slipway/${commit}`]);
      return true;
    } catch {
      return false;
    }
  }

  #directory(kind: Kind): string {
    return join(this.#options.directory, 'git', sha256(this.#options.url).slice(0, 16), kind);
  }

  #git(directory: string, args: readonly string[]): Promise<Buffer> {
    return runGit(directory, args, this.#env);
  }
}

/** What is kept: whole commits, or their trees without the files. */
type Kind = 'objects' | 'trees';

/** Where the refs are that say which commits are here. */
const REFS = join('refs', 'slipway');

function rankPackFile(name: string): number {
  return Number(name.endsWith('.idx'));
}

/** Returns what is in a directory; nothing when there is none. */
async function listDirectory(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** What git says when another try may succeed. */
const PASSING =
  /returned error: (?:408|429|5\d\d)|timed out|connection (?:reset|refused)|empty reply|could not resolve|transfer closed|hung up|early EOF/i;

const TREES_ONLY = ['--filter=blob:none'];

/** What git says when an object cannot be read. */
const UNREADABLE = /corrupt|unable to read|bad object|missing (?:blob|tree)|did not send all/i;

/** One commit, and the means to read its files. */
export interface BranchCommit {
  readonly commit: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly tree: GitTree;
  readonly blobs: BranchFiles;
}

function basic(token: string): string {
  return `AUTHORIZATION: basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
}

function explainFetch(error: GitError, url: string, commit: string): Error {
  const options = { cause: error };
  const said = `git cannot fetch ${commit} from ${url}: ${error.message}`;
  if (/not our ref|couldn't find remote ref|upload-pack: not our ref/.test(error.message)) {
    return new ConfigurationError('missing-commit', `${said}. Give a commit that is in this repository.`, options);
  }
  if (
    /Authentication failed|could not read Username|terminal prompts disabled|returned error: 40[13]|not found/i.test(
      error.message,
    )
  ) {
    return new ConfigurationError(
      'git-unauthorized',
      `${said}. The token needs the permission 'contents: read' on this repository.`,
      options,
    );
  }
  if (UNREADABLE.test(error.message)) {
    return new ActionError(
      UNREADABLE_OBJECT,
      `${said}. The server has an object it cannot read: git fsck there names it; commit its file again.`,
      options,
    );
  }
  return new ActionError('git-fetch', `${said}. Run again.`, options);
}
