import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemCodeOf } from '../errors.ts';
import { RetryBudget, type Verdict } from '../util/retry.ts';
import { GitError, runGit } from './git-command.ts';
import { GitObjects } from './git-objects.ts';
import { makeTemporaryDirectory } from './temporary-directory.ts';

/** Where the refs are that say which commits are here. */
const REFS = join('refs', 'slipway');

/** What git says when another try may succeed. */
const PASSING =
  /returned error: (?:408|429|5\d\d)|timed out|connection (?:reset|refused)|empty reply|could not resolve|transfer closed|hung up|early EOF/i;

/** Says whether a fetch that failed may succeed the next time. */
export function judgeFetch(error: unknown): Verdict {
  return error instanceof GitError && PASSING.test(error.message) && {};
}

/**
 * A bare repository of a lasting directory that objects are fetched into: always a whole pack at once, by renames, so
 * that a kill leaves no lock behind and others may fetch at the same time.
 */
export class KeptRepository {
  readonly #directory: string;
  readonly #url: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #budget: RetryBudget;

  constructor(directory: string, url: string, env: NodeJS.ProcessEnv, budget = new RetryBudget()) {
    this.#directory = directory;
    this.#url = url;
    this.#env = env;
    this.#budget = budget;
  }

  /** Begins to read; a repository without anything is made where there is none. */
  async open(): Promise<GitObjects> {
    await this.#makeStanding();
    return new GitObjects(this.#directory, { ...this.#env, GIT_NO_LAZY_FETCH: '1' });
  }

  /** Removes what is kept; says whether there was anything. */
  async discard(): Promise<boolean> {
    const aside = await makeTemporaryDirectory(dirname(this.#directory), 'damaged');
    try {
      // Renamed first: somebody else may be using it, and would be given half of it.
      await rename(this.#directory, aside);
      return true;
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return false;
      throw error;
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  /** A commit counts as here when its ref does: that is written when everything has arrived. */
  async hasCommit(commit: string): Promise<boolean> {
    try {
      await access(join(this.#directory, 'HEAD'));
      await this.git(['rev-parse', '--verify', '--quiet', `refs/slipway/${commit}`]);
      return true;
    } catch {
      return false;
    }
  }

  /** Fetches a commit without its history, and of it what the filter lets through, unless it is here. */
  async fetchCommit(commit: string, filter: string): Promise<void> {
    if (await this.hasCommit(commit)) return;
    await this.#fetch(['--depth=1', `--filter=${filter}`, this.#url, commit], '', commit);
  }

  /** Fetches objects with all that is in them, those of them that are not here, and says whether there were any. */
  async fetchObjects(ids: readonly string[]): Promise<boolean> {
    const missing = await this.findMissing(ids);
    if (missing.length === 0) return false;
    await this.#fetch(['--stdin', this.#url], missing.map((id) => `${id}\n`).join(''));
    return true;
  }

  async findMissing(ids: readonly string[]): Promise<string[]> {
    if (!(await this.#stands())) return [...new Set(ids)];
    const lines = await this.git(['cat-file', '--batch-check'], ids.map((id) => `${id}\n`).join(''));
    return [...new Set(Array.from(lines.toString('utf8').matchAll(/^([0-9a-f]+) missing$/gm), ([, id = '']) => id))];
  }

  git(args: readonly string[], input?: string): Promise<Buffer> {
    return runGit(this.#directory, args, { ...this.#env, GIT_NO_LAZY_FETCH: '1' }, input);
  }

  async #fetch(args: readonly string[], input: string, commit?: string): Promise<void> {
    const temporary = await makeTemporaryDirectory(dirname(this.#directory), 'fetch');
    try {
      await runGit(temporary, ['init', '--bare', '--quiet'], this.#env);
      if (commit !== undefined) await this.#borrow(temporary);
      const words = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', ...args];
      // A fetch that broke is begun anew: git keeps nothing of a half one.
      await this.#budget.run(() => runGit(temporary, words, this.#env, input), { judge: judgeFetch, attempts: 3 });
      await this.#keep(temporary, commit);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /** Lets a new repository use what the standing one has, so that only what is new is sent. */
  async #borrow(temporary: string): Promise<void> {
    const commits = (await listDirectory(join(this.#directory, REFS))).sort();
    if (commits.length === 0) return;
    await writeFile(join(temporary, 'objects', 'info', 'alternates'), `${resolve(this.#directory, 'objects')}\n`);
    // Refs of its own: those of the standing repository may become more while this one fetches.
    const refs = commits.map((commit) => `${commit} refs/slipway/${commit}\n`);
    await writeFile(join(temporary, 'packed-refs'), refs.join(''));
    // The parents of these commits are not there.
    await writeFile(join(temporary, 'shallow'), commits.map((commit) => `${commit}\n`).join(''));
  }

  /** Moves packs, which have the names of their contents, then the ref. */
  async #keep(temporary: string, commit: string | undefined): Promise<void> {
    const packs = join('objects', 'pack');
    await this.#makeStanding();
    // The index makes a pack count, so it comes last.
    const names = (await readdir(join(temporary, packs))).sort((a, b) => rankPackFile(a) - rankPackFile(b));
    for (const name of names) await rename(join(temporary, packs, name), join(this.#directory, packs, name));
    if (commit === undefined) return;
    await mkdir(join(this.#directory, REFS), { recursive: true });
    await writeFile(join(temporary, 'ref'), `${commit}\n`);
    await rename(join(temporary, 'ref'), join(this.#directory, REFS, commit));
  }

  async #stands(): Promise<boolean> {
    return (await listDirectory(this.#directory)).includes('HEAD');
  }

  async #makeStanding(): Promise<void> {
    if (await this.#stands()) return;
    const temporary = await makeTemporaryDirectory(dirname(this.#directory), 'init');
    try {
      await runGit(temporary, ['init', '--bare', '--quiet'], this.#env);
      await rename(temporary, this.#directory);
    } catch (error) {
      // Another process was faster.
      if (!['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) throw error;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
}

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
