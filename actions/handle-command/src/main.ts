import { runAction } from '@slipway/core/action/action';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

await runAction(inputs, run);
