import { basename } from 'node:path';
import { type ActionResult, runAction } from '@slipway/sandbox/runner/run-action';
import type { Progress } from './progress.ts';

/** Runs an action from the release tree, by name, and tells its log. */
export interface Act {
  (name: string, inputs: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>>;
  /** Runs one that may fail, and returns how it went. */
  attempt(name: string, inputs: Readonly<Record<string, string>>): Promise<ActionResult>;
}

/** Returns what runs the actions of `tree` with `env`; `common` are inputs that every one gets. */
export function createAct(
  tree: string,
  env: Readonly<Record<string, string>>,
  common: Readonly<Record<string, string>>,
  progress: Progress,
): Act {
  const attempt: Act['attempt'] = (name, inputs) =>
    runAction({
      directory: `${tree}/${name}`,
      inputs: { ...common, ...inputs },
      env,
      onLine: (line) => progress.say(line),
    });
  const act = async (name: string, inputs: Readonly<Record<string, string>>) => {
    const { exitCode, outputs, log } = await attempt(name, inputs);
    if (exitCode !== 0) throw new Error(`${basename(name)} failed:\n${log}`);
    return outputs;
  };
  return Object.assign(act, { attempt });
}

/** Reads an output that holds JSON. */
export function readOutput<T>(outputs: Readonly<Record<string, string>>, name: string): T {
  return JSON.parse(outputs[name] || 'null') as T;
}
