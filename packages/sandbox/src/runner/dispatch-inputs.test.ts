import { describe, expect, it } from 'vitest';
import { readDispatchInputs } from './dispatch-inputs.ts';

const WORKFLOW = `
on:
  push:
  workflow_dispatch:
    inputs:
      version: { description: what to promote, required: true }
      reason: { description: why, required: true, default: because }
      stage: { type: choice, options: [staging, production], default: staging }
      target: { type: environment }
      dry-run: { type: boolean, default: true }
      force: { type: boolean }
      count: { type: number, default: 3 }
`;

describe('readDispatchInputs', () => {
  it('fills in defaults, and gives each its type', () => {
    const inputs = readDispatchInputs(WORKFLOW);
    expect(inputs?.resolve({ version: 1.5 })).toEqual({
      version: '1.5',
      reason: 'because',
      stage: 'staging',
      target: '',
      'dry-run': true,
      force: false,
      count: 3,
    });
    const given = { Version: 'v1', stage: 'production', 'dry-run': 'false', force: true, count: '7', target: 'prod' };
    expect(inputs?.resolve(given)).toMatchObject({
      version: 'v1',
      stage: 'production',
      'dry-run': false,
      force: true,
      count: 7,
      target: 'prod',
    });
  });

  it.each([
    [{}, "Required input 'version' not provided"],
    [{ version: '' }, "Required input 'version' not provided"],
    [{ version: '1', vresion: '2' }, 'Unexpected inputs provided: ["vresion"]'],
    [
      { version: '1', stage: 'nowhere' },
      "Provided value 'nowhere' for input 'stage' not in the list of allowed values",
    ],
    [{ version: '1', force: 'yes' }, "Provided value 'yes' for input 'force' not a boolean"],
    [{ version: '1', count: 'many' }, "Provided value 'many' for input 'count' not a number"],
  ])('refuses %j', (given, message) => {
    expect(() => readDispatchInputs(WORKFLOW)?.resolve(given)).toThrow(message);
  });

  it('knows a workflow without inputs from one that cannot be dispatched', () => {
    for (const on of ['workflow_dispatch', '[push, workflow_dispatch]', '{ workflow_dispatch: }']) {
      expect(readDispatchInputs(`on: ${on}`)?.resolve({})).toEqual({});
    }
    for (const on of ['push', '[push]', '{ push: }']) expect(readDispatchInputs(`on: ${on}`)).toBeUndefined();
  });

  it.each([
    ['{ a: { type: text } }', /inputs\.a\.type must be/],
    ['{ a: { type: choice } }', /a choice has options/],
    ['{ a: { type: choice, options: [x], default: y } }', /'y', which is none of the options/],
    ['{ a: { type: boolean, default: maybe } }', /"maybe" is no boolean/],
    ['{ a: { requird: true } }', /'requird' is not supported/],
  ])('refuses the definition %s', (inputs, message) => {
    expect(() => readDispatchInputs(`on: { workflow_dispatch: { inputs: ${inputs} } }`)).toThrow(message);
  });
});
