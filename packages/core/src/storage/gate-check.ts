import type { CheckRun } from '../github/check-run.ts';
import type { Verdict } from './gate.ts';
import { formatPackageVersion } from './package-version.ts';
import { formatPackageList } from './title.ts';

/** The name under which the check is made required. */
export const GATE = 'promotion-gate';

/** Returns the check run that says a verdict on the head of its pull request. */
export function gateCheck({ headSha, added, removed, refused, problems }: Verdict): CheckRun {
  const wrong = refused.length + problems.length;
  const counts = `${count(added.length, 'version')} added, ${removed.length} removed`;
  return {
    name: GATE,
    headSha,
    conclusion: wrong === 0 ? 'success' : 'failure',
    title: wrong === 0 ? `Nothing disappears: ${counts}` : `${count(wrong, 'thing')} to mend: ${counts}`,
    summary: [
      section('To mend', [
        ...problems.map((problem) => `- ${inline(problem)}\n`),
        ...refused.map((each) => `- \`${formatPackageVersion(each)}\` must not be removed. ${inline(each.reason)}\n`),
      ]),
      section('Added', [formatPackageList(added)]),
      section('Removed', [formatPackageList(removed)]),
    ].join(''),
  };
}

function section(title: string, lines: readonly string[]): string {
  const text = lines.join('');
  return text === '' ? '' : `### ${title}\n\n${text}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Paths and titles are somebody's text: on one line, and calling nobody. */
function inline(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('<', '&lt;').replaceAll('@', '@\u200b');
}
