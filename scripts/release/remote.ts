import { gitEnvironment, gitText, runGit } from '@slipway/sandbox/github/git/git-command';

/** What a ref of the remote repository points to. */
export interface RemoteRef {
  /** What the ref itself holds; an annotated tag holds an object of its own. */
  readonly id: string;
  readonly commit: string;
}

/** One ref that is to move. */
export interface RefUpdate {
  /** Full: `refs/tags/v1`. */
  readonly ref: string;
  /** What it has to hold until then; undefined when it must not exist. */
  readonly from: string | undefined;
  /** Undefined deletes it. */
  readonly to: string | undefined;
}

/** The repository that releases are pushed to. */
export class Remote {
  readonly #git: string;
  readonly #url: string;
  readonly #environment: Readonly<Record<string, string>>;

  /** `git` is the repository here; `token` is sent to the remote's own host only. */
  constructor(git: string, url: string, token?: string) {
    this.#git = git;
    this.#url = url;
    this.#environment = gitEnvironment(token === undefined ? {} : authorization(url, token));
  }

  /** Returns the refs as they are now, by their full names. */
  async refs(): Promise<ReadonlyMap<string, RemoteRef>> {
    const text = await gitText(this.#git, ['ls-remote', this.#url], { environment: this.#environment });
    const refs = new Map<string, RemoteRef>();
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const [id = '', name = ''] = line.split('\t');
      const tag = name.endsWith('^{}') ? name.slice(0, -'^{}'.length) : undefined;
      if (tag === undefined) refs.set(name, { id, commit: id });
      else refs.set(tag, { id: refs.get(tag)?.id ?? id, commit: id });
    }
    return refs;
  }

  /** Brings what some refs hold into the repository here, and makes no ref of it. */
  async fetch(refs: readonly string[]): Promise<void> {
    const options = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance'];
    await runGit(this.#git, ['fetch', ...options, this.#url, ...refs], { environment: this.#environment });
  }

  /**
   * Moves all of the refs or none of them; throws when one does not hold what it has to hold, be it by now.
   *
   * The expectation makes it possible to move a tag, and keeps from moving what somebody else has moved meanwhile.
   * https://git-scm.com/docs/git-push#Documentation/git-push.txt---force-with-leaseltrefnamegtltexpectgt
   */
  async push(updates: readonly RefUpdate[]): Promise<void> {
    const leases = updates.map(({ ref, from }) => `--force-with-lease=${ref}:${from ?? ''}`);
    const specs = updates.map(({ ref, to }) => `${to ?? ''}:${ref}`);
    const { code, stdout, stderr } = await runGit(
      this.#git,
      ['push', '--atomic', '--porcelain', '--no-verify', ...leases, this.#url, ...specs],
      { environment: this.#environment, accept: [0, 1, 128] },
    );
    if (code === 0) return;
    const said = `${stdout.toString()}${stderr}`.trim();
    throw new Error(`Nothing was pushed, for not all of it could be: run again when you know why.\n${said}`);
  }
}

/** A header travels in the environment, where other processes of the machine do not read it as an argument. */
function authorization(url: string, token: string): Record<string, string> {
  const address = URL.parse(url);
  const isLocal = address?.protocol === 'http:' && address.hostname === '127.0.0.1';
  if (address === null || (address.protocol !== 'https:' && !isLocal)) {
    throw new Error(`A token is sent to an address that begins with https:// only, and not to ${url}.`);
  }
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  return { [`http.${address.origin}/.extraheader`]: `AUTHORIZATION: basic ${basic}` };
}
