import { parseWorkflowCommand } from '@slipway/sandbox/runner/workflow-command';
import { expect, it } from 'vitest';
import { disarm } from './log.ts';

/** Everything below U+10000 that could stand before a command. */
const CHARACTERS = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));

it('leaves no command in a text, whatever white space stands before it', () => {
  const lines = CHARACTERS.map((character) => `${character}::add-mask::x`);
  expect(lines.filter((line) => parseWorkflowCommand(line) !== undefined).length).toBeGreaterThan(20);
  expect(lines.filter((line) => parseWorkflowCommand(disarm(line)) !== undefined)).toEqual([]);
});

it('breaks up a command in a later line, and one of the old kind', () => {
  expect(disarm('a\n \u0085::error::b\r::group::c ##[group]d')).toBe('a\n \u0085: :error::b\r: :group::c # #[group]d');
});

it('leaves other texts as they are', () => {
  expect(disarm('std::string, ::1 at [::]:80')).toBe('std::string, ::1 at [::]:80');
});
