import { describe, expect, it } from 'vitest';
import { readFixture } from './fixture.ts';
import { readLibrary } from './library.ts';
import { formatProblem } from './rule.ts';
import { RULES } from './rules.ts';

describe.each(Object.entries(RULES))('the rule %s', (name, rule) => {
  const { actions, files, expected } = readFixture(name);
  const library = readLibrary(actions, files);

  it('finds in its fixture what is wrong there, and nothing else', () => {
    const found = [...library.workflows.values()].flatMap((workflow) => rule(workflow, library));
    expect(expected).not.toEqual([]);
    expect(found.map(formatProblem).sort()).toEqual(expected);
  });
});
