import { runGit } from './git-command.ts';
import type { GitRepository } from './git-repository.ts';

export type FileStatus = 'added' | 'removed' | 'modified' | 'renamed' | 'changed';

export interface ChangedFile {
  readonly path: string;
  readonly previousPath: string | undefined;
  readonly status: FileStatus;
  /** The blob after the change; before it, where the file is removed. */
  readonly oid: string;
  readonly additions: number;
  readonly deletions: number;
  /** The hunks; undefined for binary files, pure renames and changes that are too large to show. */
  readonly patch: string | undefined;
}

const statuses: Readonly<Record<string, FileStatus>> = {
  A: 'added',
  D: 'removed',
  M: 'modified',
  R: 'renamed',
  T: 'changed',
};

/** GitHub shows no patch above this size. @see https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits#diff-limits */
const patchLimit = 500_000;

type RawChange = Omit<ChangedFile, 'additions' | 'deletions' | 'patch'>;

/** The files that differ between two commits or trees, with renames found, as git's `diff-tree` sees them. */
export async function changedFiles(git: GitRepository, from: string, to: string): Promise<ChangedFile[]> {
  const diff = ['diff-tree', '-r', '-M', '--full-index', '--no-ext-diff', '--no-textconv'];
  const [listing, patches] = await Promise.all([
    runGit(git.directory, [...diff, '--raw', '--numstat', '-z', from, to]),
    runGit(git.directory, [...diff, '--patch', from, to]),
  ]);
  const { changes, counts } = parseListing(listing.stdout.toString());
  const sections = patches.stdout
    .toString()
    .split(/^(?=diff --git )/m)
    .filter((section) => section !== '');
  return changes.map((change) => {
    const section = sections.shift();
    // A file that becomes a link is shown as one file removed and one added.
    if (change.status === 'changed') sections.shift();
    const { additions, deletions } = counts.get(change.path) ?? { additions: 0, deletions: 0 };
    return { ...change, additions, deletions, patch: change.status === 'changed' ? undefined : hunks(section) };
  });
}

function parseListing(text: string): {
  changes: RawChange[];
  counts: Map<string, { additions: number; deletions: number }>;
} {
  const changes: RawChange[] = [];
  const counts = new Map<string, { additions: number; deletions: number }>();
  const tokens = text.split('\0');
  const next = (): string => tokens.shift() ?? '';
  while (tokens.length > 0) {
    const token = next();
    const [, before = '', after = '', letter = ''] =
      /^:\d+ \d+ ([0-9a-f]{40}) ([0-9a-f]{40}) ([A-Z])/.exec(token) ?? [];
    const status = statuses[letter];
    if (status !== undefined) {
      const first = next();
      const renamed = status === 'renamed';
      changes.push({
        path: renamed ? next() : first,
        previousPath: renamed ? first : undefined,
        status,
        oid: status === 'removed' ? before : after,
      });
      continue;
    }
    const [, additions, deletions, path] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(token) ?? [];
    if (path === undefined) continue;
    // A rename has an empty path here; the old and the new one follow.
    if (path === '') next();
    counts.set(path === '' ? next() : path, { additions: lines(additions), deletions: lines(deletions) });
  }
  return { changes, counts };
}

/** Binary files have a dash. */
const lines = (text: string | undefined): number => (text === '-' ? 0 : Number(text));

function hunks(section: string | undefined): string | undefined {
  const start = section?.search(/^@@ /m) ?? -1;
  if (section === undefined || start < 0 || section.length > patchLimit) return undefined;
  return section.slice(start).replace(/\n$/, '');
}
