/**
 * Returns what the changelog says of a version (`1.2.3`), which becomes the notes of its release. Throws when it says
 * nothing, or has no date for the version yet.
 *
 * https://keepachangelog.com/en/1.1.0/
 */
export function readNotes(changelog: string, version: string): string {
  const heading = `## [${version}] - `;
  const section = changelog.split(/^(?=## )/m).find((part) => part.startsWith(heading));
  if (section === undefined) throw new Error(`CHANGELOG.md has no section '${heading}<date>'. Write what is new.`);
  const [first = '', ...lines] = section.split('\n');
  const date = first.slice(heading.length);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) {
    throw new Error(`CHANGELOG.md: '${date}' is no date of ${version}. Write it as in '${heading}2026-11-20'.`);
  }
  // The addresses that links are written with stand at the end of the file.
  const notes = lines
    .filter((line) => !/^\[[^\]]+\]: /.test(line))
    .join('\n')
    .trim();
  if (notes === '') throw new Error(`CHANGELOG.md says nothing of ${version}.`);
  return notes;
}
