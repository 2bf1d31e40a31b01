import { ActionError } from '../errors.ts';

/** GitHub refuses more than 1 MB for all outputs of a job; https://docs.github.com/actions/reference/limits. */
const LIMIT = 900_000;

/** What an action returns: a text, a number, a flag, or something that is handed on as JSON. */
export type OutputValues = Readonly<Record<string, unknown>>;

/** Returns each output as the text the next step reads: strings as they are, everything else as JSON. */
export function formatOutputs(outputs: OutputValues): [name: string, text: string][] {
  return Object.entries(outputs).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
    if (Buffer.byteLength(text) > LIMIT) {
      throw new ActionError(
        'output-too-large',
        `The output '${name}' has ${Buffer.byteLength(text)} bytes, and GitHub takes 1 MB for all outputs of a job. ` +
          'Split the work: fewer plugins or packages in one run.',
      );
    }
    return [name, text];
  });
}
