import { gitText, runGit } from './git/git-command.ts';

export { createBareRepository } from './git/git-command.ts';

/** What a path holds after a commit; null takes the file (or the whole directory) away. */
export type SeedFile =
  | string
  | Uint8Array
  | { readonly content: string | Uint8Array; readonly executable: boolean }
  | { readonly symlink: string }
  | { readonly submodule: string }
  | null;

export interface SeedCommit {
  readonly message: string;
  /** Default: the sandbox's own. */
  readonly author?: { readonly name: string; readonly email: string };
  /** Default: now. */
  readonly date?: Date;
  /** A commit id; null starts a new history. Default: the branch's head. */
  readonly parent?: string | null;
}

/**
 * Commits files to a branch of a bare repository without a work tree and returns the commit's id. One `git fast-import`
 * writes everything, so thousands of files take no longer than a moment.
 *
 * @see https://git-scm.com/docs/git-fast-import
 */
export async function commitFiles(
  bareRepository: string,
  branch: string,
  files: Readonly<Record<string, SeedFile>>,
  commit: SeedCommit,
): Promise<string> {
  const ref = `refs/heads/${branch}`;
  const parent = commit.parent === undefined ? await findRef(bareRepository, ref) : commit.parent;
  const { name, email } = commit.author ?? { name: 'sandbox', email: 'sandbox@example.com' };
  const signature = `${name} <${email}> ${Math.floor((commit.date ?? new Date()).getTime() / 1000)} +0000`;
  const parts: (string | Uint8Array)[] = [
    `commit ${ref}\nauthor ${signature}\ncommitter ${signature}\n`,
    ...data(commit.message),
    parent === null ? '' : `from ${parent}\n`,
    ...Object.entries(files).flatMap(([path, file]) => fileCommand(quote(path), file)),
    'done\n',
  ];
  const input = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  // Forced: `parent` may be any commit, not only the head.
  await runGit(bareRepository, ['fast-import', '--quiet', '--force', '--done', '--date-format=raw'], { input });
  return gitText(bareRepository, ['rev-parse', '--verify', ref]);
}

async function findRef(bareRepository: string, ref: string): Promise<string | null> {
  const { stdout } = await runGit(bareRepository, ['rev-parse', '--verify', '--quiet', ref], { accept: [0, 1] });
  return stdout.toString().trim() || null;
}

function fileCommand(path: string, file: SeedFile): (string | Uint8Array)[] {
  if (file === null) return [`D ${path}\n`];
  if (typeof file === 'string' || file instanceof Uint8Array) return [`M 100644 inline ${path}\n`, ...data(file)];
  if ('symlink' in file) return [`M 120000 inline ${path}\n`, ...data(file.symlink)];
  if ('submodule' in file) return [`M 160000 ${file.submodule} ${path}\n`];
  return [`M ${file.executable ? '100755' : '100644'} inline ${path}\n`, ...data(file.content)];
}

function data(content: string | Uint8Array): (string | Uint8Array)[] {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return [`data ${bytes.length}\n`, bytes, '\n'];
}

const quote = (path: string): string =>
  `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
