import { type Instruction, readInstructions } from '../dockerfile/instruction.ts';
import { readPairs } from '../dockerfile/pairs.ts';
import type { Span, TracedText } from '../dockerfile/traced-text.ts';
import { Variables } from '../dockerfile/variables.ts';
import { type Lookup, splitPair, splitWords, WordError } from '../dockerfile/words.ts';
import { ConfigurationError } from '../errors.ts';
import { isFixedVersion, type NamedVersion, type Place } from './registry-version.ts';

const ARGUMENT = 'PACKAGE_REGISTRY';
const LABEL = 'package-registry';

/** A place of a Dockerfile that names a version of the package registry. */
export interface VersionPlace extends NamedVersion {
  readonly line: number;
  /** Where the version is written, which may be the ARG that the place refers to; undefined when `problem` says why not. */
  readonly span: Span | undefined;
  readonly problem: string | undefined;
}

/** An image that a Dockerfile names with FROM, its variables filled in. */
export interface FromPlace {
  readonly line: number;
  /** Without tag and digest. */
  readonly image: string;
  readonly tag: string;
  readonly digest: TracedText | undefined;
  /** It is the package registry, in whichever stage. */
  readonly isRegistry: boolean;
}

/** Something that keeps a Dockerfile from being changed. */
export interface Obstacle {
  readonly line: number;
  readonly problem: string;
  /** An image named with its tag, which is no obstacle when it has the wanted one. */
  readonly names?: string;
}

/** What a Dockerfile says about the package registry that it starts from. */
export interface RegistryBase {
  /** Without tag and digest: `docker.elastic.co/package-registry/package-registry`. */
  readonly image: string;
  /** ARG and ENV first, then FROM, then LABEL; each kind in the order of the file. */
  readonly versions: readonly VersionPlace[];
  readonly froms: readonly FromPlace[];
  readonly obstacles: readonly Obstacle[];
}

/**
 * Reads a Dockerfile; undefined when the stage that is built starts from nothing that could be a package registry.
 * Throws a ConfigurationError, with `file` and line, for what cannot be understood.
 */
export function readRegistryBase(source: string, file: string): RegistryBase | undefined {
  const { escapeCharacter, instructions } = readInstructions(source);
  const reader = new PlaceReader(file, escapeCharacter);
  for (const instruction of instructions) reader.add(instruction);
  return reader.finish();
}

interface Stage {
  readonly line: number;
  readonly reference: TracedText;
  readonly name: string | undefined;
  /** The earlier stage that it starts from. */
  readonly parent: Stage | undefined;
  readonly variables: Variables;
  /** A variable of the reference that nobody sets. */
  readonly unset: string | undefined;
}

/** A place before it is known how its version can be set. */
interface Statement {
  readonly place: Place;
  readonly line: number;
  readonly value: TracedText;
}

const ORDER: readonly Place[] = ['ARG', 'ENV', 'FROM', 'LABEL'];

class PlaceReader {
  readonly #file: string;
  readonly #escape: string;
  readonly #global = new Variables();
  readonly #stages: Stage[] = [];
  readonly #statements: Statement[] = [];
  readonly #instructions: Instruction[] = [];

  constructor(file: string, escapeCharacter: string) {
    this.#file = file;
    this.#escape = escapeCharacter;
  }

  add(instruction: Instruction): void {
    const { keyword, line } = instruction;
    this.#instructions.push(instruction);
    try {
      if (keyword === 'FROM') this.#addStage(instruction);
      else if (keyword === 'ARG') this.#addArguments(instruction);
      else if (keyword === 'ENV' || keyword === 'LABEL') this.#addPairs(instruction, keyword);
    } catch (error) {
      if (!(error instanceof WordError)) throw error;
      this.#refuse(line, `${keyword}: ${error.message}. Correct it.`);
    }
  }

  finish(): RegistryBase | undefined {
    let base = this.#stages.at(-1);
    while (base?.parent !== undefined) base = base.parent;
    if (base === undefined) return undefined;
    if (base.unset !== undefined) {
      const cure = `Add before the first FROM: ARG ${base.unset}=<value>`;
      this.#refuse(base.line, `FROM: \${${base.unset}} is not set. ${cure}`);
    }
    const { image, tag } = splitReference(base.reference);
    if (tag === undefined || tag.length === 0) return undefined;
    const froms = this.#stages.flatMap((stage): FromPlace[] => {
      if (stage.parent !== undefined) return [];
      const from = splitReference(stage.reference);
      const ofRegistry = from.image === image ? from.tag : undefined;
      if (ofRegistry !== undefined) this.#state({ place: 'FROM', line: stage.line, value: ofRegistry });
      const isRegistry = ofRegistry !== undefined && ofRegistry.length > 0;
      return [{ ...from, line: stage.line, tag: from.tag?.text ?? '', isRegistry }];
    });
    const statements = this.#statements.toSorted(
      (one, other) => ORDER.indexOf(one.place) - ORDER.indexOf(other.place) || one.line - other.line,
    );
    const written = statements.flatMap(({ place, value }) => (place === 'ARG' || place === 'ENV' ? [value] : []));
    const versions = statements.map((statement) => locate(statement, written));
    return { image, versions, froms, obstacles: this.#instructions.flatMap((each) => obstaclesOf(each, image)) };
  }

  #addStage({ text, line }: Instruction): void {
    let unset: string | undefined;
    const lookup = this.#lookup('FROM', line, (name) => this.#global.get(name));
    const words = splitWords(
      text,
      (name, alternative) => {
        const value = lookup(name, alternative);
        if (value === undefined && alternative === undefined) unset ??= name;
        return value;
      },
      this.#escape,
    );
    const [reference, as, name] = words;
    if (reference === undefined) this.#refuse(line, 'FROM names no image. Correct it.');
    const parent = this.#stages.findLast((stage) => stage.name === reference.text.toLowerCase());
    this.#stages.push({
      line,
      reference,
      name: as?.text.toLowerCase() === 'as' ? name?.text.toLowerCase() : undefined,
      parent,
      variables: new Variables(this.#global, parent?.variables),
      unset,
    });
  }

  #addArguments({ text, line }: Instruction): void {
    const variables = this.#stages.at(-1)?.variables ?? this.#global;
    for (const word of splitWords(text, this.#lookup('ARG', line), this.#escape)) {
      const [name, value] = splitPair(word) ?? [];
      if (name === ARGUMENT && value !== undefined) this.#state({ place: 'ARG', line, value });
      variables.declare(word);
    }
  }

  #addPairs({ text, line }: Instruction, place: 'ENV' | 'LABEL'): void {
    const stage = this.#stages.at(-1);
    for (const [name, value] of readPairs(text, this.#lookup(place, line), this.#escape)) {
      if (name === (place === 'ENV' ? ARGUMENT : LABEL)) this.#state({ place, line, value });
      if (place === 'ENV') stage?.variables.setEnv(name, value);
    }
  }

  /** An empty value names no version. */
  #state(statement: Statement): void {
    if (statement.value.length > 0) this.#statements.push(statement);
  }

  /**
   * Docker fills in nothing after FROM for an ARG that stands before it alone, which build-distribution reports; what
   * such a place means is the ARG all the same. A default names the version too, even where it is not used.
   */
  #lookup(place: Place, line: number, find = (name: string) => this.#find(name)): Lookup {
    return (name, alternative) => {
      if (name === ARGUMENT && alternative?.isDefault === true && isFixedVersion(alternative.word.text)) {
        this.#state({ place, line, value: alternative.word });
      }
      return find(name);
    };
  }

  #find(name: string): TracedText | undefined {
    return this.#stages.at(-1)?.variables.get(name) ?? this.#global.get(name);
  }

  #refuse(line: number, problem: string): never {
    throw new ConfigurationError('dockerfile', `${this.#file}:${line}: ${problem}`);
  }
}

function splitReference(reference: TracedText) {
  const at = reference.text.indexOf('@');
  const named = at === -1 ? reference : reference.slice(0, at);
  const colon = named.text.indexOf(':', named.text.lastIndexOf('/') + 1);
  return {
    image: colon === -1 ? named.text : named.text.slice(0, colon),
    tag: colon === -1 ? undefined : named.slice(colon + 1),
    digest: at === -1 ? undefined : reference.slice(at + 1),
  };
}

/** Finds the version in what a place says: all of it, or what an ARG adds to it, as in `${PACKAGE_REGISTRY}-ubi`. */
function locate({ place, line, value }: Statement, written: readonly TracedText[]): VersionPlace {
  const found = { place, line, value: value.text, problem: undefined };
  const { span } = value;
  if (span !== undefined) {
    if (/^\w[\w.+-]*$/.test(value.text)) return { ...found, span };
    return { ...found, span: undefined, problem: `'${value.text}' is more than a version` };
  }
  for (const argument of written) {
    const { span: whole, text } = argument;
    for (let at = value.text.indexOf(text); whole !== undefined && at !== -1; at = value.text.indexOf(text, at + 1)) {
      if (value.slice(at, at + text.length).span?.start === whole.start) return { ...found, value: text, span: whole };
    }
  }
  return { ...found, span: undefined, problem: `'${value.text}' is put together from several pieces` };
}

const ONBUILD = /^(?:(?:ARG|ENV)\s.*PACKAGE_REGISTRY|LABEL\s.*package-registry)/is;

/** Only what could name the version in a way that is not understood. */
function obstaclesOf({ keyword, text, line, flags, isUnclear }: Instruction, image: string): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (isUnclear) {
    const problem = `${keyword}: it is not clear where the here-document ends. Write it as <<EOF, or without`;
    obstacles.push({ line, problem });
  }
  if (keyword === 'ONBUILD' && ONBUILD.test(text.text)) {
    const problem = 'ONBUILD names the package registry, and works in other images. Leave it out';
    obstacles.push({ line, problem });
  }
  for (const { name, value } of flags) {
    if (!value.includes(`${image}:`)) continue;
    const problem = `${keyword} --${name} names the package registry by its version. Give that image a stage, and name the stage`;
    obstacles.push({ line, problem, names: value });
  }
  return obstacles;
}
