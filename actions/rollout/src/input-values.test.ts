import { inputsFrom } from '@slipway/core/action/testing';
import { describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';

const read = (given: Record<string, string>) => inputsFrom(inputs, { distribution: 'staging', ...given });

describe('the inputs', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
  ])('take %s for a duration', (timeout, milliseconds) => {
    expect(read({ timeout }).timeout).toBe(milliseconds);
  });

  it('take the versions that register-package puts out', () => {
    const registered = [{ name: 'fleet_server', version: '1.2.0', tree: 'f'.repeat(40) }];
    expect(read({ expect: JSON.stringify(registered) }).expect).toEqual([{ name: 'fleet_server', version: '1.2.0' }]);
  });

  it.each([
    [{ timeout: '10' }, /no duration/],
    [{ timeout: '0s' }, /no duration/],
    [{ timeout: '1d' }, /no duration/],
    [{ digest: 'sha256:1' }, /no digest/],
    [{ expect: '["tcp-1.0.0"]' }, /no list of/],
    [{ expect: '[null]' }, /no list of/],
    [{ expect: '{}' }, /no list of/],
    [{ 'log-lines': 'all' }, /no positive number/],
  ])('refuse %j', (given, message) => {
    expect(() => read(given)).toThrow(message);
  });
});
