import { expect, it } from 'vitest';
import { Masks } from './masks.ts';
import { StepLog } from './step-log.ts';

it('prints annotations so that nobody takes a part of them for a command', () => {
  const lines: string[] = [];
  const log = new StepLog({ masks: new Masks(), onLine: (line) => lines.push(line), debug: false });
  log.take(
    '::error file=a%0A%3A%3Aerror%3A%3Apwn%0D##[error].yaml,line=1::wrong%0A::set-output name=valid::true%0D  ##[error]x',
  );
  log.take('::group::one%0A::stop-commands::x');
  expect(lines).toEqual([
    'Error: a ::error::pwn # #[error].yaml:1: wrong',
    ': :set-output name=valid::true',
    '  # #[error]x',
    '▸ one',
    ': :stop-commands::x',
  ]);
  expect(log.annotations).toMatchObject([{ file: 'a\n::error::pwn\r##[error].yaml', line: 1 }]);
});
