import type { Claim } from './claim-index.ts';
import { type Draft, positionIn } from './rule.ts';
import type { ForeignFile, JudgedFile } from './subject.ts';

/** Something one plugin may have, and who wants it. */
export interface Contest {
  /** As a message begins: `Slot 'user.log_center'`. */
  readonly what: string;
  readonly file: JudgedFile;
  readonly pointer: string;
  readonly claims: readonly Claim<JudgedFile>[];
  readonly foreignClaims: readonly Claim<ForeignFile>[];
  readonly fix: string;
}

/**
 * Judges one claim of one file against everybody else's.
 *
 * Differential, because repositories with old conflicts exist and nobody must be held up by a conflict between two
 * files that they do not touch: a touched file's conflict fails, whoever had the slot or port first; one between
 * untouched files only warns; so does one with another open pull request, since either may be merged first.
 */
export function* judgeContest(contest: Contest): Iterable<Draft> {
  const { what, file, pointer, claims, foreignClaims, fix } = contest;
  const rivals = claims.filter((claim) => claim.file.path !== file.path);
  const place = () => ({ file: file.path, position: positionIn(file, pointer), fix });
  if (!file.touched) {
    // Each pair is reported once, in the later file.
    const earlier = rivals.filter((claim) => !claim.file.touched && claim.file.path < file.path);
    if (earlier.length === 0) return;
    yield { ...place(), message: `${what} also belongs to ${listHolders(earlier)}.`, atMost: 'warning' };
    return;
  }
  if (rivals.length > 0) yield { ...place(), message: `${what} also belongs to ${listHolders(rivals)}.` };
  const known = new Set([file.path, ...rivals.map((claim) => claim.file.path)]);
  const foreign = foreignClaims.filter((claim) => !known.has(claim.file.path));
  if (foreign.length === 0) return;
  const numbers = [...new Set(foreign.map((claim) => `#${claim.file.pullRequest}`))];
  yield {
    ...place(),
    message:
      `${what} is also asked for by ${listHolders(foreign)} in open pull request${numbers.length > 1 ? 's' : ''} ` +
      `${numbers.slice(0, SHOWN).join(', ')}; whichever is merged second will fail.`,
    atMost: 'warning',
  };
}

const SHOWN = 3;

/** Names plugins and their lines: `log-viewer (release-plugins/log-viewer.yaml:12) and 4 more`. */
function listHolders(claims: readonly Claim<JudgedFile | ForeignFile>[]): string {
  const shown = claims.slice(0, SHOWN).map(({ file, pointer }) => {
    const { line } = positionIn(file, pointer);
    return `${file.plugin ?? file.path} (${file.path}:${line})`;
  });
  const rest = claims.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
