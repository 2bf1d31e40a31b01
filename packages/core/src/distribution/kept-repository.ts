import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigurationError, systemCodeOf } from '../errors.ts';
import { RetryBudget, type Verdict } from '../util/retry.ts';
import { GitError, runGit } from './git-command.ts';
import { GitObjects } from './git-objects.ts';
import { DIRECTORY, type GitEntry, isCommit, rootOf } from './git-tree.ts';
import { makeTemporaryDirectory } from './temporary-directory.ts';

/** Where the refs are that say which commits are here. */
const REFS = join('refs', 'slipway');

/** Lets the server send nothing but what is asked for by its id. */
const ONLY_NAMED = '--filter=tree:0';

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
    await this.#inTemporary(async (temporary) => {
      await this.#fetch(temporary, ['--depth=1', `--filter=${filter}`, this.#url, checkCommit(commit)]);
      await this.#keep(temporary, [commit]);
    });
  }

  /**
   * Fetches commits without their history, and of them the directories above a depth and the files in them, unless they are
   * here. One level after the other, of each what is not here: GitHub refuses a filter `tree:3`, and takes `tree:0`, which
   * lets through nothing but the objects that are asked for.
   *
   * https://git-scm.com/docs/git-config#Documentation/git-config.txt-uploadpackfiltertreemaxDepth
   */
  async fetchOutlines(wanted: readonly string[], depth: number): Promise<void> {
    const known = await Promise.all(wanted.map((commit) => this.hasCommit(commit)));
    const commits = wanted.filter((_, index) => known[index] !== true);
    if (commits.length === 0) return;
    await this.#inTemporary(async (temporary) => {
      await this.#fetch(temporary, ['--depth=1', ONLY_NAMED, this.#url, ...commits.map(checkCommit)]);
      const reader = await this.#makeReader(temporary);
      const objects = new GitObjects(reader, this.#env);
      const fetched = [...commits];
      try {
        let level = await Promise.all(
          commits.map(async (commit): Promise<GitEntry> => {
            return { id: rootOf(await objects.readCommit(commit)), mode: DIRECTORY, name: 'The root directory' };
          }),
        );
        for (let above = depth; above > 0; above -= 1) {
          const ids = level.flatMap(({ id, mode }) => (mode === '160000' ? [] : [id]));
          const missing = await askMissing(reader, ids, this.#env);
          if (missing.length > 0) await this.#fetch(temporary, [ONLY_NAMED, '--stdin', this.#url], missing);
          fetched.push(...missing);
          if (above === 1) break;
          // Commits share most of what they hold.
          const trees = new Map(
            level.flatMap((entry) => (entry.mode === DIRECTORY ? [[entry.id, entry] as const] : [])),
          );
          level = (await Promise.all([...trees.values()].map(({ id, name }) => objects.readTree(id, name)))).flat();
        }
      } finally {
        await objects.close();
      }
      // One pack of what was asked for: a server may have sent more, and each pack makes every lookup slower.
      const whole = join(temporary, 'whole');
      await mkdir(whole);
      await runGit(reader, ['pack-objects', '--quiet', join(whole, 'pack')], this.#env, toLines(fetched));
      await this.#keep(temporary, commits, whole);
    });
  }

  /** Fetches objects with all that is in them, those of them that are not here, and says whether there were any. */
  async fetchObjects(ids: readonly string[]): Promise<boolean> {
    const missing = await this.findMissing(ids);
    if (missing.length === 0) return false;
    await this.#inTemporary(async (temporary) => {
      await this.#fetch(temporary, ['--stdin', this.#url], missing);
      await this.#keep(temporary, []);
    });
    return true;
  }

  async findMissing(ids: readonly string[]): Promise<string[]> {
    if (!(await this.#stands())) return [...new Set(ids)];
    return askMissing(this.#directory, ids, this.#env);
  }

  git(args: readonly string[], input?: string): Promise<Buffer> {
    return runGit(this.#directory, args, { ...this.#env, GIT_NO_LAZY_FETCH: '1' }, input);
  }

  /** Does something in a new repository, which is removed afterwards. */
  async #inTemporary(act: (temporary: string) => Promise<void>): Promise<void> {
    const temporary = await makeTemporaryDirectory(dirname(this.#directory), 'fetch');
    try {
      await runGit(temporary, ['init', '--bare', '--quiet'], this.#env);
      await act(temporary);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /**
   * Makes a repository that has the objects of a temporary one and of the standing one. The temporary one itself would
   * fetch what is missing in it, with all that is below.
   */
  async #makeReader(temporary: string): Promise<string> {
    const reader = join(temporary, 'reader');
    await runGit(reader, ['init', '--bare', '--quiet'], this.#env);
    const stores = [temporary, ...((await this.#stands()) ? [this.#directory] : [])];
    const lines = stores.map((store) => `${resolve(store, 'objects')}\n`);
    await writeFile(join(reader, 'objects', 'info', 'alternates'), lines.join(''));
    return reader;
  }

  /** A fetch that broke is begun anew: git keeps nothing of a half one. */
  async #fetch(temporary: string, args: readonly string[], ids: readonly string[] = []): Promise<void> {
    const words = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', ...args];
    const fetch = () => runGit(temporary, words, this.#env, toLines(ids));
    await this.#budget.run(fetch, { judge: judgeFetch, attempts: 3 });
  }

  /** Moves packs, which have the names of their contents, then the refs of commits. */
  async #keep(
    temporary: string,
    commits: readonly string[],
    source = join(temporary, 'objects', 'pack'),
  ): Promise<void> {
    const packs = join(this.#directory, 'objects', 'pack');
    await this.#makeStanding();
    // The index makes a pack count, so it comes last.
    const names = (await readdir(source)).sort((a, b) => rankPackFile(a) - rankPackFile(b));
    for (const name of names) await rename(join(source, name), join(packs, name));
    for (const commit of commits) {
      await mkdir(join(this.#directory, REFS), { recursive: true });
      await writeFile(join(temporary, 'ref'), `${commit}\n`);
      await rename(join(temporary, 'ref'), join(this.#directory, REFS, commit));
    }
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

/** Returns those of the objects that a repository does not have, each once. */
async function askMissing(directory: string, ids: readonly string[], env: NodeJS.ProcessEnv): Promise<string[]> {
  const lines = await runGit(directory, ['cat-file', '--batch-check'], env, toLines(ids));
  return [...new Set(Array.from(lines.toString('utf8').matchAll(/^([0-9a-f]+) missing$/gm), ([, id = '']) => id))];
}

function toLines(ids: readonly string[]): string {
  return ids.map((id) => `${id}\n`).join('');
}

/** What names a commit may come out of a label; git would take other words for refs or options. */
function checkCommit(commit: string): string {
  if (isCommit(commit)) return commit;
  const message = `'${commit}' is no commit: give all 40 hexadecimal digits.`;
  throw new ConfigurationError('missing-commit', message);
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
