import { type Contexts, evaluateText } from './expressions.ts';
import { at } from './reason.ts';
import { extendPath, type StepOutcome } from './step-process.ts';

type Texts = Readonly<Record<string, string>>;
export type Verdict = 'success' | 'failure' | 'skipped';

export interface JobSurroundings {
  /** What does not change while the job runs. */
  readonly contexts: Contexts;
  readonly machineEnv: Texts;
  /** `GITHUB_*`: no workflow and no step can change these. */
  readonly githubEnv: Texts;
}

/** What the steps of a job that have ended left for those that follow. */
export class JobState {
  readonly #surroundings: JobSurroundings;
  #env: Texts = {};
  #path: readonly string[] = [];
  #steps: Readonly<Record<string, unknown>> = {};
  #result: 'success' | 'failure' = 'success';

  constructor(surroundings: JobSurroundings) {
    this.#surroundings = surroundings;
  }

  /** `failure` as soon as a step has failed that may not. */
  get result(): 'success' | 'failure' {
    return this.#result;
  }

  get contexts(): Contexts {
    return this.contextsWith({});
  }

  /** Returns the contexts for a step that has an `env` of its own. */
  contextsWith(stepEnv: Texts): Contexts {
    return { ...this.#surroundings.contexts, env: { ...this.#env, ...stepEnv }, steps: this.#steps };
  }

  /** Returns the whole environment of a step's process. */
  environmentWith(stepEnv: Texts): Texts {
    const { machineEnv, githubEnv } = this.#surroundings;
    const env = { ...machineEnv, ...this.#env, ...stepEnv, ...githubEnv };
    return this.#path.length === 0 ? env : { ...env, PATH: extendPath(env['PATH'], this.#path) };
  }

  /** Evaluates texts by name; an error says where they stand. */
  evaluate(texts: Texts, place: string, contexts: Contexts = this.contexts): Texts {
    return Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, at(`${place}.${name}`, () => evaluateText(text, contexts))]),
    );
  }

  addEnv(env: Texts): void {
    this.#env = { ...this.#env, ...env };
  }

  /** Keeps how a step ended; only one with an id can be asked for it. */
  record(id: string | undefined, outcome: Verdict, conclusion: Verdict, left?: StepOutcome): void {
    if (conclusion === 'failure') this.#result = 'failure';
    if (left !== undefined) {
      this.addEnv(left.env);
      this.#path = [...left.path, ...this.#path];
    }
    if (id === undefined) return;
    this.#steps = { ...this.#steps, [id]: { outputs: left?.outputs ?? {}, outcome, conclusion } };
  }
}
