import type { RuleLevel } from '../configuration/configuration.ts';
import type { Position } from '../util/line-index.ts';
import type { JudgedFile, Subject } from './subject.ts';

/** A finding before its rule's level is known. */
export interface Draft {
  /** Path from the root of the repository; empty for the pull request itself. */
  readonly file: string;
  readonly position: Position;
  /** What is wrong with the value that was seen. */
  readonly message: string;
  /** What to do now; the exact line to write where it can be computed. */
  readonly fix: string;
  /** Set where the rule only warns, even when it is set to `error`. */
  readonly atMost?: 'warning';
}

interface RuleBase {
  /** The name under which `plugins.rules` switches it. */
  readonly id: string;
  /** What it weighs when the configuration says nothing. */
  readonly level: RuleLevel;
  /** One sentence; the documentation is generated from it. */
  readonly description: string;
}

/**
 * Judges one file at a time. Drafts are yielded, not returned: after the first few that weigh most nobody pulls on, so a
 * hostile file with a hundred thousand faults costs no more than one with twenty.
 */
export interface FileRule extends RuleBase {
  readonly judges: 'file';
  readonly judge: (file: JudgedFile, subject: Subject) => Iterable<Draft>;
}

/** Judges the change as a whole. */
export interface ChangeRule extends RuleBase {
  readonly judges: 'change';
  readonly judge: (subject: Subject) => Iterable<Draft>;
}

export type Rule = FileRule | ChangeRule;

export const START: Position = { line: 1, column: 1 };

/** Returns where a part of the file stands; line 1 when the file could not be parsed. */
export function positionIn(file: Pick<JudgedFile, 'document'>, pointer: string, part?: 'key' | 'value'): Position {
  return file.document?.positionOf(pointer, part) ?? START;
}
