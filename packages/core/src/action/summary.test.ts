import { expect, it } from 'vitest';
import { Summary } from './summary.ts';

it.each(['\n', '\r\n', '\r'])('keeps a cell with the line break %j in its row', (lineBreak) => {
  const cells = [`a${lineBreak}| x`, `\`b${lineBreak}c\``];
  const page = new Summary().table(['first', 'second'], [cells]).toString();
  expect(page.trim().split(/[\r\n]+/)).toEqual([
    '| first | second |',
    '| --- | --- |',
    '| a<br>&#124; x | <code>b<br>c</code> |',
  ]);
});
