import type { ActionMetadata } from './action-metadata.ts';
import { type Contexts, evaluateText } from './expressions.ts';

export interface ActionInputs {
  /** `INPUT_<NAME>` to the text. */
  readonly env: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/**
 * Fills in the defaults of an action's inputs, their expressions evaluated, and returns the environment that hands them
 * over. Names are taken without regard to case. An input that the action does not have is a warning and handed over all
 * the same, as the runner does; a required one that is missing is an error, which GitHub leaves to the action.
 */
export function resolveInputs(
  metadata: ActionMetadata,
  given: Readonly<Record<string, string>>,
  contexts: Contexts,
): ActionInputs {
  const texts = new Map(Object.entries(given).map(([name, text]) => [name.toLowerCase(), text]));
  const declared = new Set([...metadata.inputs.keys()].map((name) => name.toLowerCase()));
  const unexpected = Object.keys(given).filter((name) => !declared.has(name.toLowerCase()));
  const missing = [...metadata.inputs].find(
    ([name, { required, fallback }]) => required && fallback === undefined && !texts.has(name.toLowerCase()),
  );
  if (missing !== undefined) throw new Error(`${metadata.name}: input '${missing[0]}' is required and was not given`);
  for (const [name, { fallback }] of metadata.inputs) {
    const key = name.toLowerCase();
    if (fallback !== undefined && !texts.has(key)) texts.set(key, evaluateText(fallback, contexts));
  }
  return {
    env: Object.fromEntries([...texts].map(([name, text]) => [inputVariable(name), text])),
    warnings: unexpected.length === 0 ? [] : [describeUnexpected(unexpected, metadata)],
  };
}

/** Spaces become underscores and nothing else changes: `INPUT_DRY-RUN`. */
function inputVariable(name: string): string {
  return `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`;
}

function describeUnexpected(names: readonly string[], { inputs }: ActionMetadata): string {
  const quote = (list: readonly string[]): string => list.map((name) => `'${name}'`).join(', ');
  return `Unexpected input(s) ${quote(names)}, valid inputs are [${quote([...inputs.keys()])}]`;
}
