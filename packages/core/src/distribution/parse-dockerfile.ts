import { DockerfileParser, type Instruction } from 'dockerfile-ast';
import { ConfigurationError } from '../errors.ts';
import type { Finding } from '../plugin/finding.ts';
import type { Dockerfile, FromImage, Step } from './dockerfile.ts';
import { parseStep, type Scope, type StepFlag } from './dockerfile-step.ts';
import { expandText, splitWords, WordError } from './dockerfile-word.ts';

/** What can be done about an instruction that is not understood. */
const WAY_OUT = 'Put what it does into a base image of your own, and name that one with FROM.';

/** What the instructions begin with. */
export interface BaseSettings {
  /** The variables that the base image sets. */
  readonly env: ReadonlyMap<string, string>;
  readonly workdir: string;
}

const NO_BASE: BaseSettings = { env: new Map(), workdir: '/' };

/**
 * Returns what a distribution's Dockerfile says.
 *
 * Understood is what such files are made of: ARG, FROM with stages, LABEL, ENV, WORKDIR, USER, EXPOSE, ENTRYPOINT, CMD,
 * HEALTHCHECK, COPY from the branch and from a distribution's image, and RUN as a check. The words mean what they mean to
 * Docker. Anything else is a ConfigurationError with file, line and the way out.
 *
 * What the base image sets is known only when FROM has been read: a first reading without it finds the images.
 */
export function parseDockerfile(source: string, file: string, base: BaseSettings = NO_BASE): Dockerfile {
  const parsed = DockerfileParser.parse(source);
  const builder = new DockerfileBuilder(file, parsed.getEscapeCharacter(), base);
  for (const instruction of parsed.getInstructions()) builder.add(instruction);
  return builder.finish();
}

interface Stage {
  readonly image: FromImage;
  readonly name: string | undefined;
  readonly steps: Step[];
  /** ARGs and ENVs that hold in this stage. */
  readonly variables: Map<string, string>;
  readonly env: Set<string>;
  workdir: string;
}

class DockerfileBuilder {
  readonly #file: string;
  readonly #escape: string;
  readonly #base: BaseSettings;
  readonly #globals = new Map<string, string>();
  readonly #stages: Stage[] = [];
  readonly #findings: Finding[] = [];

  constructor(file: string, escapeCharacter: string, base: BaseSettings) {
    this.#file = file;
    this.#escape = escapeCharacter;
    this.#base = base;
  }

  add(instruction: Instruction): void {
    const line = instruction.getRange().start.line + 1;
    const keyword = instruction.getKeyword();
    const text = joinLines(instruction.getRawArgumentsContent() ?? '', this.#escape);
    const stage = this.#stages.at(-1);
    try {
      if (keyword === 'ARG') this.#addArgument(text, line, stage);
      else if (keyword === 'FROM') this.#addStage(instruction, text, line);
      else if (stage === undefined) this.#refuse(line, `${keyword} stands before the first FROM`, 'Begin with FROM.');
      else this.#addStep(instruction, keyword, text, line, stage);
    } catch (error) {
      if (!(error instanceof WordError)) throw error;
      this.#refuse(line, `${keyword}: ${error.message}`, 'Correct it.');
    }
  }

  finish(): Dockerfile {
    const last = this.#stages.at(-1);
    if (last === undefined) return this.#refuse(1, 'there is no FROM', 'Name the base image with FROM.');
    const stages = new Map<string, FromImage>();
    for (const { name, image, steps } of this.#stages.slice(0, -1)) {
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

  #addArgument(text: string, line: number, stage: Stage | undefined): void {
    const lookup = this.#lookup(stage, line);
    for (const word of splitWords(text, lookup, this.#escape)) {
      const equals = word.indexOf('=');
      const name = equals === -1 ? word : word.slice(0, equals);
      const value = equals === -1 ? this.#globals.get(name) : word.slice(equals + 1);
      // An ENV of the same name wins: https://docs.docker.com/reference/dockerfile/#using-arg-variables
      if (stage?.env.has(name) === true || value === undefined) continue;
      (stage?.variables ?? this.#globals).set(name, value);
    }
  }

  #addStage(instruction: Instruction, text: string, line: number): void {
    const [flag] = flagsOf(instruction);
    if (flag !== undefined)
      this.#refuse(
        line,
        `FROM --${flag.name} is not understood`,
        'Leave it out: every platform of the base image is built.',
      );
    const lookup = (name: string, hasDefault = false): string | undefined => {
      const value = this.#globals.get(name);
      if (value !== undefined || hasDefault) return value;
      return this.#refuse(line, `FROM: \${${name}} is not set`, `Add before the first FROM: ARG ${name}=<value>`);
    };
    const [reference = '', as, name, ...rest] = splitWords(text, lookup, this.#escape);
    const isNamed = as?.toLowerCase() === 'as' && name !== undefined;
    if (reference === '' || rest.length > 0 || (as !== undefined && !isNamed)) {
      this.#refuse(line, `'FROM ${text}' is not written as FROM <image> or FROM <image> AS <name>`, 'Correct it.');
    }
    const earlier = this.#stages.some((stage) => stage.name === reference.toLowerCase());
    if (earlier || reference === 'scratch') {
      this.#refuse(line, `FROM ${reference} names no image in a registry`, WAY_OUT);
    }
    this.#stages.push({
      image: { reference, line },
      name: isNamed ? name.toLowerCase() : undefined,
      steps: [],
      variables: new Map(),
      env: new Set(),
      workdir: this.#base.workdir,
    });
  }

  #addStep(instruction: Instruction, keyword: string, text: string, line: number, stage: Stage): void {
    const scope: Scope = {
      workdir: stage.workdir,
      args: new Map([...stage.variables].filter(([name]) => !stage.env.has(name))),
      words: (part) => splitWords(part, this.#lookup(stage, line), this.#escape),
      expand: (part) => expandText(part, this.#lookup(stage, line), this.#escape),
      refuse: (problem, cure = WAY_OUT) => this.#refuse(line, problem, cure),
    };
    const step = parseStep({ keyword, text, line, flags: flagsOf(instruction) }, scope);
    stage.steps.push(step);
    if (step.kind === 'workdir') stage.workdir = step.path;
    if (step.kind !== 'env') return;
    for (const [name, value] of step.values) {
      stage.variables.set(name, value);
      stage.env.add(name);
    }
  }

  #lookup(stage: Stage | undefined, line: number): (name: string, hasDefault?: boolean) => string | undefined {
    return (name, hasDefault = false) => {
      const value =
        stage === undefined ? this.#globals.get(name) : (stage.variables.get(name) ?? this.#base.env.get(name));
      if (value === undefined && !hasDefault) this.#reportUnset(name, line, stage !== undefined);
      return value;
    };
  }

  /** Docker fills in nothing and says nothing, which is how labels came to be empty. */
  #reportUnset(name: string, line: number, inStage: boolean): void {
    const isGlobal = inStage && this.#globals.has(name);
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

function flagsOf(instruction: Instruction): StepFlag[] {
  if (!('getFlags' in instruction) || typeof instruction.getFlags !== 'function') return [];
  const flags: unknown = instruction.getFlags();
  if (!Array.isArray(flags)) return [];
  return flags.map((flag: { getName(): string; getValue(): string | null }) => ({
    name: flag.getName(),
    value: flag.getValue() ?? '',
  }));
}

/** Joins continued lines as Docker does: comment lines and empty ones between them are left out. */
function joinLines(text: string, escapeCharacter: string): string {
  const lines = text.split(/\r?\n/);
  return lines
    .filter((line, index) => index === 0 || !/^\s*(?:#.*)?$/.test(line))
    .map((line, index, all) => {
      const trimmed = line.trimEnd();
      return index < all.length - 1 && trimmed.endsWith(escapeCharacter) ? trimmed.slice(0, -1) : line;
    })
    .join(text.startsWith('<<') ? '\n' : '')
    .trim();
}
