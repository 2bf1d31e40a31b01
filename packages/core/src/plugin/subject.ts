import type { Configuration } from '../configuration/configuration.ts';
import { ClaimIndex } from './claim-index.ts';
import { type PluginFile, readPluginFile, type SourceFile } from './plugin-file.ts';

/** One file that a pull request changes. */
export type FileChange =
  | { readonly status: 'removed'; readonly path: string }
  | {
      readonly status: 'added' | 'modified' | 'renamed';
      readonly path: string;
      /** Where a renamed file was. */
      readonly previousPath?: string;
      /** The file at the head commit; absent outside the directory of the plugins. */
      readonly file?: SourceFile;
    };

/** What of a pull request's own form is judged. */
export interface PullRequestForm {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  /** The author's login. */
  readonly author: string;
}

/** Another open pull request with the same base, and the plugin files that it adds or changes. */
export interface OpenPullRequest {
  readonly number: number;
  readonly files: readonly SourceFile[];
}

/** A reference that somebody says to have pushed. */
export interface PushedImage {
  /** As it was written; it may still be wrong. */
  readonly reference: string;
  /** Where it stands in the list; counts from 1. */
  readonly line: number;
}

/** What the source registry says about a reference: what it is, that it is not there, or why nobody can tell. */
export type SourceImage =
  | { readonly digest: string; readonly platforms: readonly string[] }
  | { readonly missing: true }
  | { readonly problem: string };

/** What there is to judge, before anything is read. */
export interface CheckInput {
  readonly configuration: Configuration;
  /** The commit under review; empty for a directory on disk. */
  readonly commit: string;
  /** All files below `plugins.directory` at the head of the base branch, or as they stand when there is no change. */
  readonly base: readonly SourceFile[];
  readonly changes: readonly FileChange[];
  readonly pullRequest?: PullRequestForm;
  /** Logins, in lower case, of those who may approve; absent when the base branch does not say. */
  readonly owners?: readonly string[];
  readonly openPullRequests?: readonly OpenPullRequest[];
  /** References that were pushed, as the comment lists them. */
  readonly images?: readonly PushedImage[];
  /** What is known of the source registry, by reference; absent when nobody looked. */
  readonly sourceImages?: ReadonlyMap<string, SourceImage>;
  /** `all` judges and lists every file as if it had been touched. */
  readonly scope: 'changed' | 'all';
}

/** A file as it will be once the change is merged. */
export interface JudgedFile extends PluginFile {
  /** The plugin's name; absent where the path names none. */
  readonly plugin?: string;
  /** Whether its faults are this change's to mend. */
  readonly touched: boolean;
  /** Whether merging it releases the plugin: its content is new. */
  readonly released: boolean;
  /** The file on the base branch, when its content is another. */
  readonly before?: PluginFile;
  /** The path from which it was renamed, when its content stayed. */
  readonly carriedFrom?: string;
}

/** A plugin file of another open pull request. */
export interface ForeignFile extends PluginFile {
  readonly plugin?: string;
  readonly pullRequest: number;
}

/** Everything that the rules look at. */
export interface Subject extends Omit<CheckInput, 'base' | 'openPullRequests'> {
  /** The directory of the plugins after the change, sorted by path. */
  readonly files: readonly JudgedFile[];
  readonly claims: ClaimIndex<JudgedFile>;
  /** Plugin files of other open pull requests. */
  readonly foreignFiles: readonly ForeignFile[];
  /** What other open pull requests claim. */
  readonly foreignClaims: ClaimIndex<ForeignFile>;
}

/** Returns the subject of a check: the base branch as it is now with the change on top. */
export function buildSubject(input: CheckInput): Subject {
  const { directory } = input.configuration.plugins;
  const base = new Map(input.base.map((source) => [source.path, readPluginFile(source, directory)]));
  const changes = pairRenames(input.changes, base);
  const files = new Map<string, JudgedFile>();
  for (const [path, file] of base) files.set(path, asItStands(file, input.scope));
  for (const change of changes) {
    if (change.status === 'removed') files.delete(change.path);
    if (change.status === 'renamed' && change.previousPath !== undefined) files.delete(change.previousPath);
  }
  for (const change of changes) {
    if (change.status === 'removed' || change.file === undefined) continue;
    const previousPath = change.status === 'renamed' ? change.previousPath : undefined;
    files.set(change.path, afterChange(readPluginFile(change.file, directory), base, previousPath, input.scope));
  }
  const sorted = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const foreign = (input.openPullRequests ?? []).flatMap(({ number, files: theirs }) =>
    theirs.map((source): ForeignFile => ({ ...named(readPluginFile(source, directory)), pullRequest: number })),
  );
  return {
    ...input,
    changes,
    files: sorted,
    claims: new ClaimIndex(sorted),
    foreignFiles: foreign,
    foreignClaims: new ClaimIndex(foreign),
  };
}

/**
 * Takes a plugin that is removed and one that is added with the same content for one that is renamed: GitHub gives up
 * looking for renames when a pull request changes many files.
 */
function pairRenames(changes: readonly FileChange[], base: ReadonlyMap<string, PluginFile>): FileChange[] {
  const removed = new Map<string, string[]>();
  for (const { status, path } of changes) {
    const file = base.get(path);
    if (status !== 'removed' || file?.place.kind !== 'plugin') continue;
    removed.set(file.source.id, [...(removed.get(file.source.id) ?? []), path]);
  }
  const paired = new Set<string>();
  const renamed = changes.map((change): FileChange => {
    if (change.status !== 'added' || change.file === undefined) return change;
    const previousPath = removed.get(change.file.id)?.shift();
    if (previousPath === undefined) return change;
    paired.add(previousPath);
    return { ...change, status: 'renamed', previousPath };
  });
  return renamed.filter(({ status, path }) => status !== 'removed' || !paired.has(path));
}

function asItStands(file: PluginFile, scope: CheckInput['scope']): JudgedFile {
  const all = scope === 'all';
  return { ...named(file), touched: all, released: all };
}

/**
 * A file whose content the base branch has already, under this name or under the one it is renamed from, is not
 * released again: its package exists.
 */
function afterChange(
  file: PluginFile,
  base: ReadonlyMap<string, PluginFile>,
  previousPath: string | undefined,
  scope: CheckInput['scope'],
): JudgedFile {
  const before = base.get(file.path);
  const previous = previousPath === undefined ? undefined : base.get(previousPath);
  const carriedFrom =
    previous?.place.kind === 'plugin' && previous.source.id === file.source.id ? previous.path : undefined;
  const isNew = before?.source.id !== file.source.id && carriedFrom === undefined;
  return {
    ...named(file),
    touched: true,
    released: isNew || scope === 'all',
    ...(isNew && before !== undefined && { before }),
    ...(carriedFrom !== undefined && { carriedFrom }),
  };
}

function named(file: PluginFile): PluginFile & { readonly plugin?: string } {
  return file.place.kind === 'plugin' ? { ...file, plugin: file.place.plugin } : file;
}
