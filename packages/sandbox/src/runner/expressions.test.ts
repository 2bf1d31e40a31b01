import { describe, expect, it } from 'vitest';
import { evaluateCondition, evaluateText } from './expressions.ts';

const contexts = {
  github: { event_name: 'pull_request', event: { number: 7 }, token: 't' },
  steps: { check: { outputs: { plugins: '["a","b"]' } } },
  env: {},
};

const SUCCESS = { success: true, failure: false, cancelled: false };

describe('evaluateText', () => {
  it.each([
    ['plain $ {text}', 'plain $ {text}'],
    ['${{ github.event.number }}-${{github.event_name}}', '7-pull_request'],
    ['${{ fromJSON(steps.check.outputs.plugins)[1] }}', 'b'],
    ["${{ format('{{{0}}}', 'it''s }}') }}", "{it's }}}"],
    ['${{ github.absent.deeper }}', ''],
    ['${{ github.event.number == 7 && true }}', 'true'],
  ])('%s', (text, expected) => {
    expect(evaluateText(text, contexts)).toBe(expected);
  });

  it.each([
    ['${{ matrix.plugin }}', /matrix/],
    ['${{ nope() }}', /nope/],
    ['${{ success() }}', /success/],
    ['${{ }}', /expression was expected/],
    ['${{ github.token', /without its }}/],
  ])('refuses %s', (text, message) => {
    expect(() => evaluateText(text, contexts)).toThrow(message);
  });
});

describe('evaluateCondition', () => {
  it.each([
    [undefined, true, false],
    ["github.event_name == 'push'", false, false],
    ["${{ github.event_name == 'pull_request' }}", true, false],
    ['always()', true, true],
    ['failure()', false, true],
    ["failure() && github.event_name == 'pull_request'", false, true],
    ['!cancelled()', true, true],
    // Its name in a text is no status function, so success() is implied.
    ["'always()' != ''", true, false],
    ['false', false, false],
  ])('%s', (condition, afterSuccess, afterFailure) => {
    expect(evaluateCondition(condition, contexts, SUCCESS)).toBe(afterSuccess);
    expect(evaluateCondition(condition, contexts, { ...SUCCESS, success: false, failure: true })).toBe(afterFailure);
  });

  it('refuses a text that would always be true', () => {
    expect(() => evaluateCondition("${{ github.event_name }} == 'push'", contexts, SUCCESS)).toThrow(/always true/);
  });
});
