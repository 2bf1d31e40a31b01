import { isPathOnDisk } from '@slipway/core/action/configuration';
import { lookUpImages } from '@slipway/core/action/source-images';
import { CONFIGURATION_FILE } from '@slipway/core/configuration/configuration';
import { check } from '@slipway/core/plugin/check';
import type { Finding } from '@slipway/core/plugin/finding';
import type { Plugin } from '@slipway/core/plugin/plugin';
import type { CheckInput, SourceImage } from '@slipway/core/plugin/subject';
import { listGuardedFiles } from '@slipway/core/pull-request/guarded-files';
import { findPushedImages } from '@slipway/core/pull-request/pushed-images';
import { RULES } from '@slipway/core/pull-request/rules';
import type { ReleaseStatus } from '@slipway/core/pull-request/status-comment';
import { type Context, complainAboutBase } from './context.ts';
import type { Situation } from './situation.ts';
import { countFindings } from './status.ts';

/** What keeps a pull request from being released at its head, and what would be released. */
export interface Judgement {
  /** Everything that is missing, at once; empty when it can be released. */
  readonly missing: readonly string[];
  /** Whether something of that may be gone the next time without anybody doing anything: a registry that does not answer. */
  readonly mayPass: boolean;
  /** With the digests of their images, as far as they are known. */
  readonly plugins: readonly Plugin[];
  /** The references in the list of pushed images that was honoured. */
  readonly pushed: readonly string[];
  readonly approvedBy: readonly string[];
  readonly validated: NonNullable<ReleaseStatus['validated']>;
}

/** More findings of one pull request are in the job's annotations. */
const MOST_FINDINGS = 10;

/**
 * What is known of the source registry: `later` when somebody else looks, who has its credentials, and `unanswered` when
 * he was to look and has said nothing, neither that images are there nor that they are missing.
 */
export type KnownImages = ReadonlyMap<string, SourceImage> | 'later' | 'unanswered';

const NO_ANSWER =
  'The job that looks the images up gave no answer: see its log; if it says that an output was skipped because it may ' +
  'contain a secret, give user names as variables and not as secrets.';

/**
 * Judges whether a pull request can be released at the head that was read. The images are looked up unless somebody else
 * has done that or will do it.
 */
export async function judgeRelease(context: Context, situation: Situation, known?: KnownImages): Promise<Judgement> {
  const { pull, change, authority } = situation;
  const missing: string[] = [];
  if (!pull.isOpen) missing.push('The pull request is not open.');
  if (pull.isDraft) missing.push('The pull request is a draft: mark it as ready for review.');
  const base = await complainAboutBase(context, pull.baseRef);
  if (base !== undefined) missing.push(base);
  missing.push(...complainAboutGuarded(context, situation));

  const pushed = await findPushedImages(situation.comments, (login) => authority.mayCommand(login));
  if (pushed?.comment.isEdited === true) {
    missing.push('The latest list of pushed images was edited after it was written: list them in a new comment.');
  }
  const images = pushed?.images ?? [];
  const input: CheckInput = { ...change, ...(images.length > 0 && { images }), scope: 'changed' };
  const first = check(RULES, input);
  const found =
    known === 'unanswered'
      ? 'later'
      : (known ?? (await lookUpImages(first.plugins, change.configuration, context.inputs, context.runtime)));
  if (known === 'unanswered') missing.push(NO_ANSWER);
  const { findings, plugins } = found === 'later' ? first : check(RULES, { ...input, sourceImages: found });

  const errors = findings.filter(({ severity }) => severity === 'error');
  missing.push(...errors.slice(0, MOST_FINDINGS).map(describeFinding));
  if (errors.length > MOST_FINDINGS)
    missing.push(`There are ${errors.length - MOST_FINDINGS} more findings like these.`);
  // Rules can be switched off; what nobody can name by its digest cannot be released all the same.
  const unknown = plugins.flatMap((plugin) => plugin.images).filter(({ digest }) => digest === undefined);
  if (errors.length === 0 && found !== 'later') missing.push(...unknown.map(({ source }) => describeUnknown(source)));
  if (plugins.length === 0) missing.push('The pull request releases no plugin.');

  const approvals = await authority.findApprovals(change.commit);
  if (approvals.approvedBy.length === 0) missing.push(approvals.missing);
  return {
    missing,
    mayPass: found !== 'later' && [...found.values()].some((image) => 'problem' in image),
    pushed: images.map(({ reference }) => reference),
    plugins,
    approvedBy: approvals.approvedBy,
    validated: { plugins, ...countFindings(findings) },
  };
}

function complainAboutGuarded({ inputs: { config } }: Context, { change }: Situation): string[] {
  const files = listGuardedFiles(change.changes, isPathOnDisk(config) ? CONFIGURATION_FILE : config);
  if (files.length === 0) return [];
  const shown = files.slice(0, MOST_FINDINGS).join(', ');
  return [
    `The pull request changes files that say who may do what and how: ${shown}. Put those into a pull request of their own.`,
  ];
}

function describeUnknown(source: string): string {
  return `${source} was not found in the source registry; the job that looks the images up says why.`;
}

function describeFinding({ file, line, message, fix }: Finding): string {
  return `${file === '' ? '' : `${file}:${line}: `}${message} ${fix}`;
}
