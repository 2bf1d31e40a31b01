import { DockerfileParser, type Instruction as ParsedInstruction } from 'dockerfile-ast';
import { TracedText } from './traced-text.ts';

/** A flag before the words, `--from=production`. */
export interface Flag {
  readonly name: string;
  readonly value: string;
}

/** One instruction, its lines joined. */
export interface Instruction {
  /** In capital letters. */
  readonly keyword: string;
  /** What follows keyword and flags. */
  readonly text: TracedText;
  /** Counts from 1. */
  readonly line: number;
  readonly flags: readonly Flag[];
  /** A here-document might begin or end elsewhere than was understood, and with it the instructions that follow. */
  readonly isUnclear: boolean;
}

/** What a Dockerfile is made of, whether or not it can be built here. */
export interface Instructions {
  readonly escapeCharacter: string;
  readonly instructions: readonly Instruction[];
}

/** Splits a Dockerfile into its instructions, and says where each character of them stands. */
export function readInstructions(source: string): Instructions {
  const parsed = DockerfileParser.parse(source);
  const escapeCharacter = parsed.getEscapeCharacter();
  const lines = [0, ...Array.from(source.matchAll(/\r\n?|\n/g), (end) => end.index + end[0].length)];
  const instructions = parsed.getInstructions().map((instruction): Instruction => {
    const keyword = instruction.getKeyword();
    const raw = instruction.getRawArgumentsContent() ?? '';
    const start = instruction.getArgumentsRange()?.start ?? { line: 0, character: 0 };
    return {
      keyword,
      text: joinLines(TracedText.at((lines[start.line] ?? 0) + start.character, raw), escapeCharacter),
      line: instruction.getRange().start.line + 1,
      flags: flagsOf(instruction),
      isUnclear: HAS_DOCUMENTS.has(keyword) && isUnclearDocument(raw),
    };
  });
  return { escapeCharacter, instructions };
}

const HAS_DOCUMENTS = new Set(['RUN', 'COPY', 'ADD', 'ONBUILD']);

/**
 * A document with a number before it is not seen by the parser that is used, and one whose last line is missing may be no
 * document but words in quotes. https://docs.docker.com/reference/dockerfile/#here-documents
 */
function isUnclearDocument(raw: string): boolean {
  if (/(?:^|\s)\d+<<-?["']?[^\s"'<]/.test(raw)) return true;
  const [header = ''] = raw.split(/(?<=<<.*)\r?\n/, 1);
  const last = [...header.matchAll(/(?:^|\s)<<-?(["']?)([^\s"'<]+)\1/g)].at(-1)?.[2];
  return last !== undefined && raw.split(/\r?\n/).at(-1)?.replace(/^\t+/, '') !== last;
}

function flagsOf(instruction: ParsedInstruction): Flag[] {
  if (!('getFlags' in instruction) || typeof instruction.getFlags !== 'function') return [];
  const flags: unknown = instruction.getFlags();
  if (!Array.isArray(flags)) return [];
  return flags.map((flag: { getName(): string; getValue(): string | null }) => ({
    name: flag.getName(),
    value: flag.getValue() ?? '',
  }));
}

/** Joins continued lines as Docker does: comment lines and empty ones between them are left out. */
function joinLines(raw: TracedText, escapeCharacter: string): TracedText {
  const isDocument = raw.text.startsWith('<<');
  const ends = Array.from(raw.text.matchAll(/\r?\n/g), (end) => ({ start: end.index, end: end.index + end[0].length }));
  const lines = [...ends, { start: raw.length, end: raw.length }]
    .map(({ start }, index) => raw.slice(ends[index - 1]?.end ?? 0, start))
    .filter(({ text }, index) => index === 0 || !/^\s*(?:#.*)?$/.test(text));
  const joined = lines.map((line, index) => {
    const trimmed = line.text.trimEnd();
    const isContinued = index < lines.length - 1 && trimmed.endsWith(escapeCharacter);
    const kept = isContinued ? line.slice(0, trimmed.length - 1) : line;
    return isDocument && index > 0 ? TracedText.join([TracedText.elsewhere('\n'), kept]) : kept;
  });
  return TracedText.join(joined).trim();
}
