import { join } from 'node:path';
import { type EventContext, readEvent } from '../github/event.ts';
import type { Annotation, Runtime } from './action.ts';
import { type InputDefinitions, type InputsOf, readInputs } from './inputs.ts';
import { Summary } from './summary.ts';

/** A runtime for tests that keeps what an action said instead of showing it. */
export interface RecordingRuntime extends Runtime {
  readonly lines: string[];
  readonly failures: string[];
  readonly annotations: Annotation[];
  readonly masked: string[];
  /** Does what an action kept for its end. */
  end(): Promise<void>;
}

/** Below a file nobody can make anything, whoever runs the tests: what needs a work directory has to be given one. */
const NOWHERE = join(import.meta.filename, 'no-work-directory');

/** Makes a runtime whose environment is `env` alone; `event` replaces parts of what is read from it. */
export function recordRuntime(env: NodeJS.ProcessEnv = {}, event: Partial<EventContext> = {}): RecordingRuntime {
  const lines: string[] = [];
  const failures: string[] = [];
  const annotations: Annotation[] = [];
  const masked: string[] = [];
  const works: (() => Promise<void>)[] = [];
  return {
    lines,
    failures,
    annotations,
    masked,
    log: { info: (line) => lines.push(line), warning: (line) => lines.push(`warning: ${line}`) },
    event: { ...readEvent(env), ...event },
    env,
    summary: new Summary(),
    workDirectory: env['RUNNER_TEMP'] ?? NOWHERE,
    annotate: (annotation) => annotations.push(annotation),
    mask: (secret) => masked.push(secret),
    atEnd: (work) => works.push(work),
    end: async () => {
      for (const work of works) await work();
    },
    fail: (_, reason) => failures.push(reason),
    group: (_, work) => work(),
  };
}

/** Reads inputs as the runner hands them over: texts, defaults filled in from the definitions. */
export function inputsFrom<D extends InputDefinitions>(
  definitions: D,
  texts: Readonly<Record<string, string>>,
): InputsOf<D> {
  const unknown = Object.keys(texts).find((name) => !(name in definitions));
  if (unknown !== undefined) throw new Error(`there is no input '${unknown}'`);
  return readInputs(
    definitions,
    (name) => texts[name] ?? '',
    () => undefined,
  );
}
