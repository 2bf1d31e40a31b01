import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ActionError, ConfigurationError } from '../errors.ts';
import { sha256 } from '../util/content.ts';
import { RetryBudget } from '../util/retry.ts';
import { BranchCommit } from './branch-commit.ts';
import { BranchObjects, DeepObjects } from './branch-objects.ts';
import { GitError, gitEnvironment, runGit } from './git-command.ts';
import { UNREADABLE_OBJECT, unreadable } from './git-objects.ts';
import type { GitTree } from './git-tree.ts';
import { judgeFetch, KeptRepository } from './kept-repository.ts';
import { OUTLINE_DEPTH, type Outline, readOutline } from './outline.ts';
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
 * The git objects of a storage repository on this machine: bare repositories without history and without a checkout,
 * for a checkout of 128,000 files takes longer than everything else together.
 *
 * Of a commit only the upper directories are fetched at first, then the package versions that somebody asks for. The two
 * are kept apart: in the one objects are missing on purpose, in the other whatever is there is there with all that is in
 * it.
 */
export class BranchStore {
  readonly #options: BranchStoreOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #root: string;
  readonly #outlines = new Map<string, Promise<Outline>>();
  readonly #budget = new RetryBudget();

  constructor(options: BranchStoreOptions) {
    this.#options = options;
    const { url, token, env, directory } = options;
    this.#root = join(directory, 'git', sha256(url).slice(0, 16));
    this.#env = gitEnvironment(env, {
      'protocol.version': '2',
      'gc.auto': '0',
      // A process after each fetch, to find out that there is nothing to do.
      'maintenance.auto': 'false',
      // Always packs, which can be moved as a whole.
      'fetch.unpackLimit': '1',
      // What git maps and keeps of a pack of gigabytes is memory all the same.
      'core.packedGitWindowSize': '16m',
      'core.packedGitLimit': '64m',
      'core.deltaBaseCacheLimit': '32m',
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
   * Fetches the upper directories of a commit, unless they are here, and returns what they hold. What turns out to be
   * damaged here is thrown away and fetched once more.
   */
  async openCommit(commit: string): Promise<BranchCommit> {
    const shallow = this.#openOutline(commit);
    try {
      return new BranchCommit(commit, await this.#readOutline(commit, shallow), shallow, this.#openDeep(commit));
    } catch (error) {
      await shallow.close();
      throw error;
    }
  }

  /** Fetches the upper directories of several commits at once, where that succeeds. */
  async prefetch(commits: readonly string[]): Promise<void> {
    try {
      await this.#open('outline').fetchOutlines(commits, OUTLINE_DEPTH);
    } catch (error) {
      // Whoever opens one of them is told.
      const isTold = [GitError, ActionError, ConfigurationError].some((kind) => error instanceof kind);
      if (!isTold) throw error;
    }
  }

  /** Returns the ids of a commit's directories, down to those of package versions, without fetching files. */
  async readDirectories(commit: string): Promise<GitTree['directories']> {
    return (await this.readTree(commit)).directories;
  }

  /** Returns the upper part of a commit, without fetching files. */
  async readTree(commit: string): Promise<GitTree> {
    const known = this.#outlines.get(commit);
    if (known !== undefined) return (await known).tree;
    const objects = this.#openOutline(commit);
    try {
      return (await this.#readOutline(commit, objects)).tree;
    } finally {
      await objects.close();
    }
  }

  /** Returns the commit that a branch shows now; undefined when there is no such branch. */
  async findHead(branch: string): Promise<string | undefined> {
    const { url } = this.#options;
    const temporary = await makeTemporaryDirectory(join(this.#options.directory, 'git'), 'look');
    try {
      const words = ['ls-remote', '--refs', url, `refs/heads/${branch}`];
      const ask = () => runGit(temporary, words, this.#env);
      const listing = await this.#budget.run(ask, { judge: judgeFetch, attempts: 3 });
      // It matches the end of names: a branch may be called `x/refs/heads/main`.
      const lines = listing.toString('utf8').split('\n');
      return lines.find((line) => line.endsWith(`\trefs/heads/${branch}`))?.split('\t')[0];
    } catch (error) {
      throw error instanceof GitError ? explainFetch(error, url, `the head of '${branch}'`) : error;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  #open(kind: Kind): KeptRepository {
    return new KeptRepository(join(this.#root, kind), this.#options.url, this.#env, this.#budget);
  }

  #openOutline(commit: string): BranchObjects {
    return new BranchObjects(this.#open('outline'), () => this.#fetchOutline(commit));
  }

  async #fetchOutline(commit: string): Promise<void> {
    const repository = this.#open('outline');
    const fetch = () => this.#explain(commit, () => repository.fetchOutlines([commit], OUTLINE_DEPTH));
    try {
      await fetch();
    } catch (error) {
      // What is kept, and borrowed from, may be what cannot be read.
      if (!(error instanceof ActionError) || error.code !== UNREADABLE_OBJECT || !(await repository.discard()))
        throw error;
      await fetch();
    }
  }

  #readOutline(commit: string, objects: BranchObjects): Promise<Outline> {
    const reading =
      this.#outlines.get(commit) ??
      (async () => {
        await this.#fetchOutline(commit);
        return readOutline(objects, commit);
      })();
    this.#outlines.set(commit, reading);
    reading.catch(() => this.#outlines.delete(commit));
    return reading;
  }

  #openDeep(commit: string): DeepObjects {
    const repository = this.#open('objects');
    return new DeepObjects(repository, (ids) => this.#explain(commit, () => repository.fetchObjects(ids)));
  }

  async #explain(commit: string, fetch: () => Promise<unknown>): Promise<void> {
    try {
      await fetch();
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      throw (await this.#findBroken(error, commit)) ?? explainFetch(error, this.#options.url, commit);
    }
  }

  /** Names the file whose object the server cannot read: git says its id, and the commit's trees say where it is. */
  async #findBroken(error: GitError, commit: string): Promise<ActionError | undefined> {
    const ids = new Set(error.message.match(/\b[0-9a-f]{40}\b/g));
    ids.delete(commit);
    if (ids.size === 0 || !UNREADABLE.test(error.message)) return undefined;
    try {
      const trees = this.#open('trees');
      await trees.fetchCommit(commit, 'blob:none');
      for (const line of (await trees.git(['ls-tree', '-r', '-z', commit])).toString('utf8').split('\0')) {
        const [, id = '', path = ''] = /^\d+ blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
        if (ids.has(id)) return unreadable(path, id, 'the server cannot read it');
      }
    } catch {
      // Then a tree is what it cannot read, and what git said has to do.
    }
    return undefined;
  }
}

/** What is kept: the upper part of commits, whole directories, or all directories of a commit without their files. */
type Kind = 'outline' | 'objects' | 'trees';

/** What git says when an object cannot be read. */
const UNREADABLE = /corrupt|unable to read|bad object|missing (?:blob|tree)|did not send all/i;

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
