import { expect, it } from 'vitest';
import { readCommands } from './commands.ts';
import { readImageList } from './image-list.ts';

const A = 'cargo.example.com/team/acme-plugins-logs:v0.1.0';
const B = 'cargo.example.com/team/acme-plugins-logs-web:v0.1.0';

it.each([
  ['as it is documented', `image(s) pushed to\n${A}\n${B}\n/queue working-image-pushed`, [A, B]],
  ['one', `image pushed to\n${A}`, [A]],
  ['several, with a colon', `Images pushed to:\n${A}\n${B}\n\nthanks`, [A, B]],
  ['on Windows', `image(s) pushed to\r\n${A}\r\n/queue x\r\n`, [A]],
  ['as a Markdown list', `**image(s) pushed to**:\n\n- ${A}\n- \`${B}\`\n`, [A, B]],
  ['with the list in a code block', `image(s) pushed to\n\`\`\`\n${A}\n\`\`\`\n${B}`, [A]],
  ['on the line of the heading', `image pushed to ${A}\n${B}`, [A, B]],
  ['in two blocks', `image pushed to\n${A}\n\nimage pushed to\n${B}`, [A, B]],
  [
    'with a wrong line among them',
    `image(s) pushed to\n${A}\ncargo.example.com/Team/X\n${B}`,
    [A, 'cargo.example.com/Team/X', B],
  ],
  ['with a port', 'image pushed to\n127.0.0.1:5000/a:v1\nlocalhost/b:v1', ['127.0.0.1:5000/a:v1', 'localhost/b:v1']],
])('reads what is pushed, %s', (_, comment, expected) => {
  expect(readImageList(comment).map(({ reference }) => reference)).toEqual(expected);
});

it.each([
  ['nothing', ''],
  ['packages', 'packages uploaded to\noss://bucket/key'],
  ['a sentence', `The image was pushed to the registry\n${A}`],
  ['a heading with another text', `image(s) pushed to the wrong place\n${A}`],
  ['a quote', `> image(s) pushed to\n> ${A}`],
  ['an example in code', `\`\`\`\nimage(s) pushed to\n${A}\n\`\`\``],
  ['an example behind four blanks', `so:\n\n    image(s) pushed to\n    ${A}`],
  ['an example behind a tab', `so:\n\n\timage(s) pushed to\n\t${A}`],
  ['an example in <pre>', `<pre>\nimage(s) pushed to\n${A}\n</pre>`],
  ['a heading alone', `image(s) pushed to\nsoon\n${A}`],
  ['the template', 'image(s) pushed to\n...\n/queue working-image-pushed'],
  ['web addresses', 'image(s) pushed to\nhttps://cargo.example.com/team/a:v1'],
])('finds no list in %s', (_, comment) => {
  expect(readImageList(comment)).toEqual([]);
});

it('reads a line of blanks once', () => {
  const blanks = ' '.repeat(60_000);
  const lines = [`${blanks}x`, `image pushed to${blanks}x\u2028`, `/queue${blanks}x\u2028`];
  // Quadratic, each of them takes more than the five seconds that a test has.
  expect(lines.flatMap((line) => readImageList(`${line}\n${A}`))).toEqual([]);
  expect(readCommands(lines.join('\n'))).toHaveLength(1);
});

it('says on which line each reference is', () => {
  expect(readImageList(`done\n\nimage(s) pushed to\n${A}\n${B}`).map(({ line }) => line)).toEqual([4, 5]);
});
