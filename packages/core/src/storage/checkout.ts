import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ActionError } from '../errors.ts';
import type { TreeMode } from '../github/git-data.ts';

const start = promisify(execFile);

/** Where a repository is fetched from, and with which token. */
export interface Remote {
  /** `https://github.com/acme/package-storage.git` */
  readonly url: string;
  readonly token: string | undefined;
}

/** A file that was changed in a checkout. */
export interface CheckoutChange {
  readonly path: string;
  readonly blob: { readonly id: string; readonly mode: TreeMode } | null;
}

/** Variables that tools need to find themselves, their caches and the way out; none of them is a secret of the job's. */
const PASSED = /^(?:PATH|HOME|TMPDIR|LANG|GO[A-Z0-9]+|SSL_CERT_(?:FILE|DIR)|(?:https?|no|all)_proxy)$/i;

/** Output of a tool that is kept, bytes. */
const OUTPUT_LIMIT = 256 * 1024 * 1024;

/**
 * A work tree of one commit, without its history and without the packages: what is left is a few dozen files, for tools
 * that need files.
 *
 * The token is handed to git in the environment, so that it stands in no file and in no list of processes, and to nothing
 * else that runs here.
 */
export class Checkout {
  readonly directory: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #remote: Remote;

  private constructor(directory: string, env: NodeJS.ProcessEnv, remote: Remote) {
    this.directory = directory;
    this.#env = Object.fromEntries(Object.entries(env).filter(([name]) => PASSED.test(name)));
    this.#remote = remote;
  }

  /** Checks a commit out below `workDirectory`; `skipped` is a directory of the root that is left out. */
  static async open(
    workDirectory: string,
    env: NodeJS.ProcessEnv,
    remote: Remote,
    commit: string,
    skipped: string,
  ): Promise<Checkout> {
    await mkdir(workDirectory, { recursive: true });
    const checkout = new Checkout(await mkdtemp(join(workDirectory, 'checkout-')), env, remote);
    try {
      await checkout.#git('init', '--quiet');
      await checkout.#git('remote', 'add', 'origin', remote.url);
      await checkout.#git('config', 'extensions.partialClone', 'origin');
      await checkout.#git('sparse-checkout', 'set', '--no-cone', '/*', `!/${skipped}/`);
      await checkout.#git('fetch', '--quiet', '--depth=1', '--no-tags', '--filter=blob:none', 'origin', commit);
      await checkout.#git('checkout', '--quiet', '--detach', commit);
      return checkout;
    } catch (error) {
      await checkout.remove();
      throw error;
    }
  }

  /** Runs a tool in the work tree; throws an ActionError with the end of what it said when it fails. */
  async run(tool: string, ...parameters: string[]): Promise<void> {
    await execute(tool, parameters, { cwd: this.directory, env: this.#env });
  }

  /** Returns what tools have changed, added and removed. */
  async changes(): Promise<readonly CheckoutChange[]> {
    await this.#git('add', '--all');
    const output = await this.#git('diff-index', '--cached', '-z', '--no-renames', '--no-abbrev', 'HEAD');
    const fields = output.toString('utf8').split('\0').slice(0, -1);
    return Array.from({ length: fields.length / 2 }, (_, index) => {
      const [, mode = '', , id = '', status = ''] = (fields[index * 2] ?? '').split(' ');
      return { path: fields[index * 2 + 1] ?? '', blob: status === 'D' ? null : { id, mode: mode as TreeMode } };
    });
  }

  /** Returns the bytes of a changed file. */
  read(id: string): Promise<Buffer> {
    return this.#git('cat-file', 'blob', id);
  }

  async remove(): Promise<void> {
    // Go makes its caches read-only, and a work directory of somebody's may be one.
    await rm(this.directory, { recursive: true, force: true });
  }

  #git(...parameters: string[]): Promise<Buffer> {
    const { url, token } = this.#remote;
    const header = `AUTHORIZATION: basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
    const env = {
      ...this.#env,
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: token === undefined ? '1' : '2',
      GIT_CONFIG_KEY_0: 'protocol.version',
      GIT_CONFIG_VALUE_0: '2',
      ...(token !== undefined && { GIT_CONFIG_KEY_1: `http.${url}.extraheader`, GIT_CONFIG_VALUE_1: header }),
    };
    return execute('git', parameters, { cwd: this.directory, env });
  }
}

/** Returns what a tool writes; never through a shell. */
async function execute(
  tool: string,
  parameters: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Buffer> {
  try {
    const options = { cwd, env, maxBuffer: OUTPUT_LIMIT, encoding: 'buffer' as const };
    return (await start(tool, parameters, options)).stdout;
  } catch (error) {
    const said =
      typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error);
    throw new ActionError('tool-failed', `${tool} ${parameters.join(' ')} failed:\n${said.trim().slice(-2000)}`, {
      cause: error,
    });
  }
}

/** Says whether a tool is on the PATH. */
export async function hasTool(tool: string, probe: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await start(tool, [probe], { env: { PATH: env['PATH'], HOME: env['HOME'] } });
    return true;
  } catch {
    return false;
  }
}
