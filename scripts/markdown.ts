/** Returns a table in Markdown; the cells are Markdown already. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Returns a description as a cell of a table; throws when there is none, so that nothing is published unsaid. */
export function describe(description: string | undefined, file: string, name: string): string {
  if (description === undefined || description.trim() === '') throw new Error(`${file}: ${name} has no description`);
  return description.trim().replaceAll('\n', ' ').replaceAll('|', '\\|');
}
