import { type Contexts, evaluateText, type Standing } from './expressions.ts';
import { at } from './reason.ts';
import { extendPath, type StepOutcome } from './step-process.ts';

type Texts = Readonly<Record<string, string>>;
/** How a step or a job ends. */
export type Verdict = 'success' | 'failure' | 'cancelled' | 'skipped';

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
  #failed = false;
  #cancelled = false;

  constructor(surroundings: JobSurroundings) {
    this.#surroundings = surroundings;
  }

  /** `failure` as soon as a step has failed that may not; a job that is cancelled is that and nothing else. */
  get result(): 'success' | 'failure' | 'cancelled' {
    if (this.#cancelled) return 'cancelled';
    return this.#failed ? 'failure' : 'success';
  }

  /** What the status functions answer in a step's condition. */
  get standing(): Standing {
    const result = this.result;
    return { success: result === 'success', failure: result === 'failure', cancelled: result === 'cancelled' };
  }

  get contexts(): Contexts {
    return this.contextsWith({});
  }

  /** Returns the contexts for a step that has an `env` of its own. */
  contextsWith(stepEnv: Texts): Contexts {
    return {
      ...this.#surroundings.contexts,
      job: { status: this.result },
      env: { ...this.#env, ...stepEnv },
      steps: this.#steps,
    };
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

  cancel(): void {
    this.#cancelled = true;
  }

  /** Keeps how a step ended; only one with an id can be asked for it. */
  record(id: string | undefined, outcome: Verdict, conclusion: Verdict, left?: StepOutcome): void {
    if (conclusion === 'failure') this.#failed = true;
    if (left !== undefined) {
      this.addEnv(left.env);
      this.#path = [...left.path, ...this.#path];
    }
    if (id === undefined) return;
    this.#steps = { ...this.#steps, [id]: { outputs: left?.outputs ?? {}, outcome, conclusion } };
  }
}
