import type { Package } from '../archive/package.ts';
import { COMMENT_LIMIT, type Comment } from '../github/comments.ts';
import type { Plugin } from '../plugin/plugin.ts';
import { formatBinding } from './release-page.ts';
import type { ReleaseRecord } from './release-record.ts';
import { showText } from './shown-text.ts';

/** The first line of the status comment, by which it is found among our own. */
const MARKER = '<!-- slipway: status -->';

/** Texts of others in one list; the job's summary holds all. */
const MOST_ITEMS = 30;

/** What there is to say about a pull request at its head. */
export interface ReleaseStatus {
  /** The head now. */
  readonly commit: string;
  /** What validation found, when it could be done. */
  readonly validated?: {
    readonly plugins: readonly Pick<Plugin, 'plugin' | 'version'>[];
    readonly errors: number;
    readonly warnings: number;
  };
  /** The release of the head, or of an earlier commit where that is what there is to tell. */
  readonly record?: ReleaseRecord;
  /** What keeps it from being released, when somebody asked for it. */
  readonly missing?: readonly string[];
  /** What else there is to say. */
  readonly notes?: readonly string[];
}

/** Finds the status comment: the one of that id, else the first that is ours and begins as ours do. */
export function findStatusComment(comments: readonly Comment[], self: string, id?: number): Comment | undefined {
  const own = comments.filter(({ author, body }) => author === self && body.split(/\r?\n/, 1)[0] === MARKER);
  return own.find((comment) => comment.id === id) ?? own[0];
}

/**
 * Returns the status comment. It is a view of the release record and never read back: comments can be edited by others.
 * Everything in it that somebody else may have written is shown as code.
 */
export function formatStatusComment(status: ReleaseStatus): string {
  const { commit, validated, record, missing = [], notes = [] } = status;
  const parts = [
    MARKER,
    `### ${titleOf(status)}`,
    ...(validated === undefined ? [] : [describeValidation(commit, validated)]),
    ...(record === undefined ? [] : describeRecord(record, commit)),
    ...(missing.length === 0 ? [] : [`**Missing before it can be released:**\n\n${formatList(missing)}`]),
    ...(notes.length === 0 ? [] : [formatList(notes)]),
    `**Next:** ${describeNext(status)}`,
  ];
  return cut(`${parts.join('\n\n')}\n`);
}

/** Characters of one of them; shown as code it can take five times as many. */
const LONGEST_ITEM = 1000;

/** Returns texts as a list in Markdown, each as code and none longer than a page can show. */
export function formatList(items: readonly string[]): string {
  const shown = items.slice(0, MOST_ITEMS).map((item) => `- ${showText(shorten(item))}`);
  const more = items.length - shown.length;
  return [...shown, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n');
}

function titleOf({ commit, record, missing = [] }: ReleaseStatus): string {
  if (record !== undefined && record.commit !== commit) return 'A newer commit is not released';
  switch (record?.state) {
    case 'intent':
      return 'Being released';
    case 'done':
      return 'Released';
    case 'failed':
      return 'Not released';
    case undefined:
      return missing.length > 0 ? 'Not ready to be released' : 'Not released yet';
  }
}

function describeValidation(commit: string, validated: NonNullable<ReleaseStatus['validated']>): string {
  const { plugins, errors, warnings } = validated;
  const names = plugins.map(({ plugin, version }) => showText(`${plugin} ${version}`)).join(', ');
  return (
    `**Validated** at ${showText(commit)}: ${count(errors, 'error')} and ${count(warnings, 'warning')}; ` +
    `to be released: ${names || 'nothing'}.`
  );
}

function describeRecord(record: ReleaseRecord, head: string): string[] {
  const { commit, by, approvedBy, plugins, packages, reason, problem } = record;
  const words = [
    `**Bound** is the commit ${showText(commit)}, asked for by ${showText(by)}` +
      `${approvedBy.length > 0 ? `, approved by ${approvedBy.map(showText).join(', ')}` : ''}.`,
    ...(commit === head ? [] : [`The pull request is at ${showText(head)} by now, and that commit is not released.`]),
    ...(reason === undefined ? [] : [`Reason: ${showText(reason)}.`]),
    ...(record.overwrite === true ? ['What exists with other content may be replaced.'] : []),
    ...(problem === undefined || record.state !== 'failed' ? [] : [`Stopped: ${showText(problem)}`]),
  ];
  const released = packages.length === 0 ? [] : [`**Released:**\n\n${formatPackages(packages)}`];
  return [words.join(' '), formatBinding(plugins), ...released];
}

function formatPackages(packages: readonly Package[]): string {
  const rows = packages.map(({ plugin, version, uri = '', sha256, images }) => {
    const platforms = [...new Set(images.flatMap((image) => image.platforms ?? []))].sort();
    const cells = [`${plugin} ${version}`, uri, sha256, platforms.join(', ') || 'not said'];
    return `| ${cells.map(showText).join(' | ')} |`;
  });
  return ['| plugin | package | sha256 | platforms |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

const COMMAND = '`/queue working-image-pushed`';

function describeNext({ commit, record, missing = [], validated }: ReleaseStatus): string {
  if (record !== undefined && record.commit === commit) {
    if (record.state === 'done') return 'merge it; nothing else has to be done here.';
    if (record.state === 'intent') {
      return `nothing: it is being released. Should its workflow have failed, re-run that, or comment ${COMMAND} again; only what is missing is done.`;
    }
    if (record.withdrawnBy === undefined) {
      return `mend what stopped it, then re-run the workflow or comment ${COMMAND}; only what is missing is done.`;
    }
  }
  if (missing.length > 0) return `mend what is missing, then comment ${COMMAND}.`;
  if ((validated?.errors ?? 0) > 0) return 'mend what validation has found.';
  return `push the images, have an owner approve this commit, list the images in a comment "image(s) pushed to", and comment ${COMMAND}.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function shorten(item: string): string {
  const characters = [...item];
  return characters.length <= LONGEST_ITEM ? item : `${characters.slice(0, LONGEST_ITEM).join('')} …`;
}

/** Returns a comment that GitHub takes: what is too long ends at the end of a line. */
export function cut(body: string): string {
  if (body.length <= COMMENT_LIMIT) return body;
  const kept = body.slice(0, COMMENT_LIMIT - 200);
  return `${kept.slice(0, kept.lastIndexOf('\n'))}\n\n… cut: the check and the job's summary hold everything.\n`;
}
