import type { CheckRun } from '../github/check-run.ts';
import type { Verdict } from './gate.ts';
import { formatPackageVersion } from './package-version.ts';
import { formatPackageList, inCode } from './title.ts';

/** The name under which the check is made required. */
export const GATE = 'slipway / gate';

/**
 * Returns the check run that says the verdicts on all pull requests of one head. A commit has one check of a name, so it
 * is a success only when each of them may be merged.
 */
export function gateCheck(headSha: string, verdicts: readonly Verdict[]): CheckRun {
  const added = verdicts.flatMap((verdict) => verdict.added);
  const removed = verdicts.flatMap((verdict) => verdict.removed);
  const toMend = verdicts.flatMap((verdict) => listProblems(verdict, verdicts.length > 1));
  const wrong = toMend.length;
  const counts = `${count(added.length, 'version')} added, ${removed.length} removed`;
  return {
    name: GATE,
    headSha,
    conclusion: wrong === 0 ? 'success' : 'failure',
    title: wrong === 0 ? `Nothing disappears: ${counts}` : `${count(wrong, 'thing')} to mend: ${counts}`,
    summary: [
      section('To mend', toMend),
      section('Added', [formatPackageList(added)]),
      section('Removed', [formatPackageList(removed)]),
    ].join(''),
  };
}

function listProblems({ pullRequest, refused, problems }: Verdict, isOneOfMany: boolean): string[] {
  const whose = isOneOfMany ? `#${pullRequest}: ` : '';
  return [
    ...problems.map((problem) => `- ${whose}${inline(problem)}\n`),
    ...refused.map(
      (each) => `- ${whose}${inCode(formatPackageVersion(each))} must not be removed. ${inline(each.reason)}\n`,
    ),
  ];
}

function section(title: string, lines: readonly string[]): string {
  const text = lines.join('');
  return text === '' ? '' : `### ${title}\n\n${text}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Paths and titles are somebody's text: on one line, no code, linking to nothing and calling nobody. */
function inline(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('<', '&lt;')
    .replaceAll('`', '\\`')
    .replaceAll('](', ']\u200b(')
    .replaceAll('@', '@\u200b')
    .replaceAll('://', ':\u200b//')
    .replaceAll(/www\./gi, (www) => `${www.slice(0, 3)}\u200b.`);
}
