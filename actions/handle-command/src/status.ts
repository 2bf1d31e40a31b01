import { ConfigurationError, messageOf } from '@slipway/core/errors';
import { createComment, updateComment } from '@slipway/core/github/comments';
import { check } from '@slipway/core/plugin/check';
import type { Finding } from '@slipway/core/plugin/finding';
import { RULES } from '@slipway/core/pull-request/rules';
import { findStatusComment, formatStatusComment, type ReleaseStatus } from '@slipway/core/pull-request/status-comment';
import type { Context } from './context.ts';
import type { Situation } from './situation.ts';

/** Brings the one status comment of a pull request up to date; returns its id, undefined in a dry run that has none. */
export async function writeStatus(
  context: Context,
  {
    pull: { number },
    comments,
  }: { readonly pull: { readonly number: number }; readonly comments: Situation['comments'] },
  status: ReleaseStatus,
): Promise<number | undefined> {
  const { github, repository, self, doings } = context;
  const body = formatStatusComment(status);
  const known = findStatusComment(comments, self, status.record?.comment);
  if (known === undefined) {
    return doings.do('write the status comment', () => createComment(github, repository, number, body));
  }
  if (known.body.replaceAll('\r\n', '\n').trim() !== body.trim()) {
    await doings.do('bring the status comment up to date', () => updateComment(github, repository, known.id, body));
  }
  return known.id;
}

/** Returns what validation says for the status comment; nothing where the repository is not set up to be validated. */
export function validate({ change }: Situation): Pick<ReleaseStatus, 'validated' | 'notes'> {
  try {
    const { findings, plugins } = check(RULES, { ...change, scope: 'changed' });
    return { validated: { plugins, ...countFindings(findings) } };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { notes: [messageOf(error)] };
  }
}

export function countFindings(findings: readonly Finding[]): { readonly errors: number; readonly warnings: number } {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return { errors, warnings: findings.length - errors };
}
