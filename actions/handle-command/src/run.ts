import type { Runtime } from '@slipway/core/action/action';
import { checkOverwrite } from '@slipway/core/action/overwrite';
import { bind } from './bind.ts';
import { command } from './command.ts';
import { doctor } from './doctor.ts';
import type { Inputs } from './inputs.ts';
import { merged } from './merged.ts';
import type { Outputs } from './outputs.ts';
import { report } from './report.ts';
import { sweep } from './sweep.ts';
import { verify } from './verify.ts';

/** Obeys commands, guards and reports releases, and looks after the queue. */
export function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  checkOverwrite(inputs, runtime.event);
  switch (inputs.mode) {
    case 'command':
      return command(inputs, runtime);
    case 'bind':
      return bind(inputs, runtime);
    case 'verify':
      return verify(inputs, runtime);
    case 'report':
      return report(inputs, runtime);
    case 'merged':
      return merged(inputs, runtime);
    case 'sweep':
      return sweep(inputs, runtime);
    case 'doctor':
      return doctor(inputs, runtime);
  }
}
