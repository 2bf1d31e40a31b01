import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A page that people read. */
export interface Page {
  /** From the root of the repository. */
  readonly file: string;
  readonly text: string;
}

/** A fenced block of a page; https://spec.commonmark.org/0.31.2/#fenced-code-blocks. */
export interface Block {
  readonly file: string;
  /** Of its first line of content, counted from 1. */
  readonly line: number;
  /** `sh`, `yaml`, …; empty for plain text. */
  readonly language: string;
  /** What follows the language: which tool it is for. */
  readonly tool: string;
  readonly content: string;
}

/** Reads every page of the documentation. */
export function readPages(): Page[] {
  return globSync('{*.md,docs/**/*.md,actions/*/README.md,examples/*/README.md,.github/**/*.md}', { cwd: root })
    .sort()
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
}

/** Returns the fenced blocks of a page, those inside a list too, without its indentation. */
export function blocksOf({ file, text }: Page): Block[] {
  const found = text.matchAll(/^( *)```(\w*)(?: (\w+))?\n(.*?)^\1```$/gms);
  return [...found].map(({ index, 1: indent = '', 2: language = '', 3: tool = '', 4: content = '' }) => ({
    file,
    line: text.slice(0, index).split('\n').length + 1,
    language,
    tool,
    content: content.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
}

/** Returns the anchors of a page's headings, as GitHub makes them. */
export function anchorsOf({ text }: Page): Set<string> {
  const anchors = headingsOf(text).map(({ title }) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set(anchors);
}

/** Returns a page's headings in order, those in blocks left out. */
export function headingsOf(text: string): { readonly level: number; readonly title: string }[] {
  const prose = text.replaceAll(/^( *)```.*?^\1```$/gms, '');
  return [...prose.matchAll(/^(#+) (.*)$/gm)].map(([, marks = '', title = '']) => ({ level: marks.length, title }));
}
