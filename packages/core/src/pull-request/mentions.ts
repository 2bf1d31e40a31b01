import { readMeantLines } from './markdown-lines.ts';

/** Says whether a text mentions `@<team>`, organisation/team; names on GitHub know no case. */
export function mentionsTeam(markdown: string, team: string): boolean {
  const mention = `@${team.toLowerCase()}`;
  return readMeantLines(markdown).some(({ text }) => {
    const line = text.toLowerCase();
    for (let at = line.indexOf(mention); at !== -1; at = line.indexOf(mention, at + 1)) {
      const isWhole = !/[a-z0-9._-]/.test((line[at - 1] ?? ' ') + (line[at + mention.length] ?? ' ').replace('.', ' '));
      if (isWhole) return true;
    }
    return false;
  });
}
