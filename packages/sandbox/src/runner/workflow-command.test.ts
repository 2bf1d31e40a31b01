import { describe, expect, it } from 'vitest';
import { parseWorkflowCommand } from './workflow-command.ts';

describe('parseWorkflowCommand', () => {
  it.each([
    ['::endgroup::', { name: 'endgroup', properties: {}, data: '' }],
    ['  ::group::a::b', { name: 'group', properties: {}, data: 'a::b' }],
    ['\u0085\u3000\t::debug::x', { name: 'debug', properties: {}, data: 'x' }],
    ['::debug::100%25 %250A%0Anext', { name: 'debug', properties: {}, data: '100% %0A\nnext' }],
    [
      '::error file=a%2Cb.yaml,line=3,title=not%3A so::wrong',
      { name: 'error', properties: { file: 'a,b.yaml', line: '3', title: 'not: so' }, data: 'wrong' },
    ],
  ])('%s', (line, expected) => {
    expect(parseWorkflowCommand(line)).toEqual(expected);
  });

  it.each(['plain', '::no end', 'text ::error::in the middle', ': :error::x', '\ufeff::error::x'])(
    'leaves %s alone',
    (line) => {
      expect(parseWorkflowCommand(line)).toBeUndefined();
    },
  );
});
