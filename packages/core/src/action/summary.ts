/** GitHub refuses a longer summary of one step: 1 MiB. */
const LIMIT = 1024 * 1024;

/**
 * The page that a job shows when it has ended, in GitHub's Markdown. Every text that is put in is escaped: it may come
 * from a pull request.
 */
export class Summary {
  #markdown = '';

  heading(text: string, level: 2 | 3 = 2): this {
    return this.#add(`${'#'.repeat(level)} ${escapeMarkdown(text)}\n\n`);
  }

  paragraph(text: string): this {
    return this.#add(`${escapeMarkdown(text)}\n\n`);
  }

  /** Adds a table; cells are plain text, a cell in backquotes is shown as code. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): this {
    const line = (cells: readonly string[]): string => `| ${cells.map(formatCell).join(' | ')} |\n`;
    return this.#add(`${line(header)}|${' --- |'.repeat(header.length)}\n${rows.map(line).join('')}\n`);
  }

  /** Returns the page, cut at a line with a word about it when it is longer than GitHub takes. */
  toString(): string {
    if (Buffer.byteLength(this.#markdown) <= LIMIT) return this.#markdown;
    const kept = Buffer.from(this.#markdown)
      .subarray(0, LIMIT - 200)
      .toString('utf8');
    return `${kept.slice(0, kept.lastIndexOf('\n'))}\n\n… cut: GitHub shows 1 MiB at the most. The outputs hold everything.\n`;
  }

  #add(markdown: string): this {
    this.#markdown += markdown;
    return this;
  }
}

function formatCell(cell: string): string {
  const code = /^`([^`]*)`$/s.exec(cell)?.[1];
  if (code === '') return '';
  const text = code === undefined ? escapeMarkdown(cell) : `<code>${escapeMarkdown(code)}</code>`;
  // Any line break ends the row, and what follows begins a line of its own.
  return text.replaceAll(/\r\n|\r|\n/g, '<br>');
}

/** Returns `text` so that Markdown and HTML show it as it is, and so that no `@name` in it calls anybody. */
function escapeMarkdown(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_{}[\]()#+!|~-]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll('@', '@\u200b');
}
