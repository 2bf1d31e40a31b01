/** How much a finding weighs: an error makes the pull request invalid, a warning is only said. */
export type Severity = 'error' | 'warning';

/** Something in a file that a rule has to say something about; `schema/exchange/finding.schema.json`. */
export interface Finding {
  /** Path from the root of the repository; empty for the pull request itself. */
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  /** Counts from 1. */
  readonly column: number;
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  /** What to do now. */
  readonly fix: string;
}
