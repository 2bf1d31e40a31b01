/** Characters of one line that are shown; a stack in one line of JSON can have thousands. */
const LIMIT = 1000;

/**
 * Returns a line that somebody else's program wrote, fit for a log: without escape sequences that would colour or hide
 * what follows, without control characters, and not endless.
 */
export function plainLine(line: string): string {
  const plain = line
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)/g, '')
    .replaceAll('\t', '  ')
    .replace(/\p{Cc}/gu, '');
  return plain.length > LIMIT ? `${plain.slice(0, LIMIT)}…` : plain;
}
