import type { TracedText } from './traced-text.ts';
import { splitPair } from './words.ts';

/** The variables that hold somewhere in a Dockerfile: before the first FROM, or in a stage. */
export class Variables {
  readonly #global: Variables | undefined;
  readonly #values = new Map<string, TracedText>();
  /** Those that ENV has set. */
  readonly #env = new Set<string>();

  /** `global` holds what stands before the first FROM, and `parent` what a stage inherits from the one it starts from. */
  constructor(global?: Variables, parent?: Variables) {
    this.#global = global;
    if (parent === undefined) return;
    this.#values = new Map(parent.#values);
    this.#env = new Set(parent.#env);
  }

  get(name: string): TracedText | undefined {
    return this.#values.get(name);
  }

  /** Takes one word of an ARG; without a value it asks for the one from before the first FROM. */
  declare(word: TracedText): void {
    const [name, value] = splitPair(word) ?? [word.text, this.#global?.get(word.text)];
    // An ENV of the same name wins: https://docs.docker.com/reference/dockerfile/#using-arg-variables
    if (value !== undefined && !this.#env.has(name)) this.#values.set(name, value);
  }

  setEnv(name: string, value: TracedText): void {
    this.#values.set(name, value);
    this.#env.add(name);
  }

  /** The values of the ARGs that no ENV hides. */
  get args(): ReadonlyMap<string, string> {
    const args = [...this.#values].filter(([name]) => !this.#env.has(name));
    return new Map(args.map(([name, { text }]) => [name, text]));
  }
}
