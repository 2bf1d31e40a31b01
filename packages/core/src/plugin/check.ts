import type { Image } from '../image/image.ts';
import type { Finding, Severity } from './finding.ts';
import { assignImages, listReleases } from './images.ts';
import type { Plugin } from './plugin.ts';
import { shorten } from './quote.ts';
import type { Draft, Rule } from './rule.ts';
import { resolveLevels } from './rule-level.ts';
import { buildSubject, type CheckInput, type SourceImage, type Subject } from './subject.ts';

export interface CheckResult {
  /** Sorted by file, line, column and rule. */
  readonly findings: readonly Finding[];
  /** The plugins that the change releases, sorted by name. */
  readonly plugins: readonly Plugin[];
}

/** How many errors, and how many warnings, of one rule a file can have; nobody reads more, and outputs have a limit. */
const MOST = 20;

/** Characters of a message and of a fix: keys, values and references in a file can be as long as the file. */
const LONGEST = 500;

/**
 * Judges a change of the plugins by `rules`, and says what it releases.
 *
 * A pure function: everything it looks at is in `input`, and the same input gives the same result. Throws a
 * ConfigurationError for a setting that is missing or wrong, never for anything that a pull request can hold.
 */
export function check(rules: readonly Rule[], input: CheckInput): CheckResult {
  const levels = resolveLevels(rules, input.configuration.plugins.rules);
  const subject = buildSubject(input);
  const findings = rules.flatMap((rule) => {
    const level = levels.get(rule.id) ?? rule.level;
    return level === 'off' ? [] : judge(rule, level, subject);
  });
  return { findings: findings.sort(compareFindings), plugins: listPlugins(subject) };
}

function judge(rule: Rule, level: Severity, subject: Subject): Finding[] {
  const drafts =
    rule.judges === 'change'
      ? takeFirst(rule.judge(subject), level)
      : subject.files.flatMap((file) => takeFirst(rule.judge(file, subject), level));
  return drafts.map(({ file, position, message, fix, atMost }) => ({
    file,
    line: position.line,
    column: position.column,
    rule: rule.id,
    severity: atMost ?? level,
    message: shorten(message, LONGEST),
    fix: shorten(fix, LONGEST),
  }));
}

/** Takes the first few of each severity: however many warnings come first, they must not hide an error. */
function takeFirst(drafts: Iterable<Draft>, level: Severity): Draft[] {
  const taken: Record<Severity, Draft[]> = { error: [], warning: [] };
  const isCut: Record<Severity, boolean> = { error: false, warning: false };
  for (const draft of drafts) {
    const severity = draft.atMost ?? level;
    if (taken[severity].length < MOST) taken[severity].push(draft);
    else isCut[severity] = true;
    // Nothing that the rule yields weighs more than its level.
    if (isCut[level]) break;
  }
  return (['error', 'warning'] as const).flatMap((severity) =>
    isCut[severity] ? markLast(taken[severity]) : taken[severity],
  );
}

function markLast(drafts: readonly Draft[]): Draft[] {
  return drafts.map((draft, index) =>
    index === drafts.length - 1
      ? { ...draft, message: `${shorten(draft.message, LONGEST - 50)} There are more of this kind, not shown.` }
      : draft,
  );
}

function listPlugins(subject: Subject): Plugin[] {
  const { images } = assignImages(subject);
  return listReleases(subject)
    .flatMap(({ file, plugin, version }) => {
      const ofPlugin = images.get(plugin);
      if (ofPlugin === undefined) return [];
      const known = ofPlugin.map((image) => addKnown(image, subject.sourceImages?.get(image.source)));
      return [{ plugin, version, file: file.path, commit: subject.commit, blob: file.source.id, images: known }];
    })
    .sort((a, b) => compareText(a.plugin, b.plugin));
}

function addKnown(image: Image, found: SourceImage | undefined): Image {
  if (found === undefined || !('digest' in found)) return image;
  const { digest, platforms } = found;
  return { ...image, digest, ...(platforms.length > 0 && { platforms }) };
}

function compareFindings(a: Finding, b: Finding): number {
  return (
    compareText(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    compareText(a.rule, b.rule) ||
    compareText(a.message, b.message)
  );
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
