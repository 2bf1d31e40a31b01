import { extname } from 'node:path';
import type { ActionMetadata } from '../action-metadata.ts';
import type { NodeAction } from '../node-action.ts';
import { STAND_IN_INPUTS, type StandInName } from './inputs.ts';

/** Opens the stand-in for an action of somebody else; `artifacts` is where those of the run are kept. */
export function openStandIn(name: StandInName, artifacts: string): NodeAction {
  const inputs = Object.entries(STAND_IN_INPUTS[name]).map(
    ([input, fallback]) => [input, { description: '', required: false, fallback }] as const,
  );
  const script = name.slice(name.indexOf('/') + 1);
  const metadata: ActionMetadata = {
    name: `stand-in for ${name}`,
    description: '',
    inputs: new Map(inputs),
    outputs: new Map(),
    using: 'node24',
    main: `${script}${extname(import.meta.filename)}`,
  };
  return { metadata, directory: import.meta.dirname, env: { SLIPWAY_ARTIFACTS: artifacts } };
}
