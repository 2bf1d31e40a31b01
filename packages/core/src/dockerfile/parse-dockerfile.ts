import { ConfigurationError } from '../errors.ts';
import type { Finding } from '../plugin/finding.ts';
import type { Dockerfile, FromImage, Step } from './dockerfile.ts';
import { type Instruction, readInstructions } from './instruction.ts';
import { readPairs } from './pairs.ts';
import { parseStep, type Scope } from './step.ts';
import { TracedText } from './traced-text.ts';
import { Variables } from './variables.ts';
import { expandText, type Lookup, splitWords, WordError } from './words.ts';

/** What can be done about an instruction that is not understood. */
const WAY_OUT = 'Put what it does into a base image of your own, and name that one with FROM.';

/** What the instructions begin with. */
export interface BaseSettings {
  /** The variables that the base image sets. */
  readonly env: ReadonlyMap<string, string>;
  readonly workdir: string;
}

const NO_BASE: BaseSettings = { env: new Map(), workdir: '/' };

/** Who carries the instructions out. */
export type Reader = 'slipway' | 'other';

/**
 * Returns what a distribution's Dockerfile says.
 *
 * Understood is what such files are made of: ARG, FROM with stages, LABEL, ENV, WORKDIR, USER, EXPOSE, ENTRYPOINT, CMD,
 * HEALTHCHECK, COPY from the branch and from a distribution's image, and RUN as a check. The words mean what they mean to
 * Docker. Anything else is a ConfigurationError with file, line and the way out.
 *
 * What the base image sets is known only when FROM has been read: a first reading without it finds the images.
 *
 * Where another program carries the instructions out, those that are not understood are passed over, and stages may do
 * what they like: only the images are looked for, and where packages go.
 */
export function parseDockerfile(
  source: string,
  file: string,
  base: BaseSettings = NO_BASE,
  reader: Reader = 'slipway',
): Dockerfile {
  const { escapeCharacter, instructions } = readInstructions(source);
  const builder = new DockerfileBuilder(file, escapeCharacter, base, reader === 'other');
  for (const instruction of instructions) builder.add(instruction);
  return builder.finish();
}

interface Stage {
  readonly image: FromImage;
  readonly name: string | undefined;
  readonly steps: Step[];
  readonly variables: Variables;
  workdir: string;
}

class DockerfileBuilder {
  readonly #file: string;
  readonly #escape: string;
  readonly #base: BaseSettings;
  readonly #isLenient: boolean;
  readonly #globals = new Variables();
  readonly #stages: Stage[] = [];
  readonly #findings: Finding[] = [];

  constructor(file: string, escapeCharacter: string, base: BaseSettings, isLenient: boolean) {
    this.#file = file;
    this.#escape = escapeCharacter;
    this.#base = base;
    this.#isLenient = isLenient;
  }

  add(instruction: Instruction): void {
    const { keyword, line } = instruction;
    const stage = this.#stages.at(-1);
    try {
      if (keyword === 'ARG') this.#addArgument(instruction, stage);
      else if (keyword === 'FROM') this.#addStage(instruction);
      else if (stage === undefined) this.#refuse(line, `${keyword} stands before the first FROM`, 'Begin with FROM.');
      else if (this.#isLenient) this.#tryStep(instruction, stage);
      else this.#addStep(instruction, stage);
    } catch (error) {
      if (!(error instanceof WordError)) throw error;
      this.#refuse(line, `${keyword}: ${error.message}`, 'Correct it.');
    }
  }

  finish(): Dockerfile {
    const last = this.#stages.at(-1);
    if (last === undefined) return this.#refuse(1, 'there is no FROM', 'Name the base image with FROM.');
    const stages = new Map<string, FromImage>();
    for (const [index, { name, image, steps }] of this.#stages.slice(0, -1).entries()) {
      if (this.#isLenient) {
        stages.set(name ?? String(index), image);
        continue;
      }
      const [first] = steps;
      if (first !== undefined) {
        const problem = 'a stage that is not the last one does more than name an image';
        this.#refuse(first.line, problem, WAY_OUT);
      }
      if (name === undefined) this.#refuse(image.line, 'this stage has no name', 'Name it: FROM … AS <distribution>.');
      else stages.set(name, image);
    }
    for (const step of last.steps) {
      if (step.kind !== 'upstream' || stages.has(step.stage)) continue;
      this.#refuse(
        step.line,
        `COPY --from=${step.stage}: no stage has this name`,
        `Add before the last FROM: FROM <image of ${step.distribution}> AS ${step.stage}`,
      );
    }
    this.#checkPackages(last);
    return { file: this.#file, base: last.image, stages, steps: last.steps, findings: this.#findings };
  }

  #checkPackages({ image, steps }: Stage): void {
    const copies = steps.filter(({ kind }) => kind === 'packages');
    const [, second] = copies;
    if (copies.length === 0) {
      this.#refuse(image.line, 'the packages are not copied', 'Add: COPY packages /packages/<distribution>');
    }
    if (second !== undefined) this.#refuse(second.line, 'the packages are copied twice', 'Leave one COPY out.');
  }

  #addArgument({ text, line }: Instruction, stage: Stage | undefined): void {
    const variables = stage?.variables ?? this.#globals;
    for (const word of splitWords(text, this.#lookup(stage, line), this.#escape)) variables.declare(word);
  }

  #addStage({ text, line, flags: [flag] }: Instruction): void {
    if (flag !== undefined && !this.#isLenient)
      this.#refuse(
        line,
        `FROM --${flag.name} is not understood`,
        'Leave it out: every platform of the base image is built.',
      );
    const lookup: Lookup = (name, alternative) => {
      const value = this.#globals.get(name);
      if (value !== undefined || alternative !== undefined) return value;
      return this.#refuse(line, `FROM: \${${name}} is not set`, `Add before the first FROM: ARG ${name}=<value>`);
    };
    const [reference = '', as, name, ...rest] = splitWords(text, lookup, this.#escape).map((word) => word.text);
    const isNamed = as?.toLowerCase() === 'as' && name !== undefined;
    if (reference === '' || rest.length > 0 || (as !== undefined && !isNamed)) {
      this.#refuse(line, `'FROM ${text.text}' is not written as FROM <image> or FROM <image> AS <name>`, 'Correct it.');
    }
    const earlier = this.#stages.find((stage) => stage.name === reference.toLowerCase());
    if ((earlier !== undefined && !this.#isLenient) || reference === 'scratch') {
      this.#refuse(line, `FROM ${reference} names no image in a registry`, WAY_OUT);
    }
    this.#stages.push({
      image: earlier?.image ?? { reference, line },
      name: isNamed ? name.toLowerCase() : undefined,
      steps: [],
      variables: new Variables(this.#globals),
      workdir: this.#base.workdir,
    });
  }

  #addStep(instruction: Instruction, stage: Stage): void {
    const { line } = instruction;
    const lookup = this.#lookup(stage, line);
    const scope: Scope = {
      workdir: stage.workdir,
      args: stage.variables.args,
      words: (part) => splitWords(part, lookup, this.#escape).map(({ text }) => text),
      expand: (part) => expandText(part, lookup, this.#escape).text,
      pairs: (part) => readPairs(part, lookup, this.#escape),
      refuse: (problem, cure = WAY_OUT) => this.#refuse(line, problem, cure),
    };
    const step = parseStep(instruction, scope);
    stage.steps.push(step);
    if (step.kind === 'workdir') stage.workdir = step.path;
    if (step.kind !== 'env') return;
    for (const [name, value] of step.values) stage.variables.setEnv(name, TracedText.elsewhere(value));
  }

  #tryStep(instruction: Instruction, stage: Stage): void {
    try {
      this.#addStep(instruction, stage);
    } catch (error) {
      if (!(error instanceof ConfigurationError || error instanceof WordError)) throw error;
    }
  }

  #lookup(stage: Stage | undefined, line: number): Lookup {
    return (name, alternative) => {
      const value = stage === undefined ? this.#globals.get(name) : (stage.variables.get(name) ?? this.#ofBase(name));
      if (value === undefined && alternative === undefined) this.#reportUnset(name, line, stage !== undefined);
      return value;
    };
  }

  #ofBase(name: string): TracedText | undefined {
    const value = this.#base.env.get(name);
    return value === undefined ? undefined : TracedText.elsewhere(value);
  }

  /** Docker fills in nothing and says nothing, which is how labels came to be empty. */
  #reportUnset(name: string, line: number, inStage: boolean): void {
    const isGlobal = inStage && this.#globals.get(name) !== undefined;
    this.#findings.push({
      file: this.#file,
      line,
      column: 1,
      rule: 'dockerfile-variable',
      severity: 'warning',
      message: `\${${name}} is not set here${isGlobal ? ': an ARG before FROM holds for FROM alone' : ''}; it stays empty, as with docker build.`,
      fix: isGlobal ? `Add after FROM: ARG ${name}` : `Set it, or write \${${name}:-} if that is meant.`,
    });
  }

  #refuse(line: number, problem: string, cure: string): never {
    throw new ConfigurationError('dockerfile', `${this.#file}:${line}: ${problem}. ${cure}`);
  }
}
