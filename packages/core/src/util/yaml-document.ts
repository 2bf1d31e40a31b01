import { constructFromEvents, EVENT_ID, type Event, getScalarValue, parseEvents, YAMLException } from 'js-yaml';
import { LineIndex, type Position } from './line-index.ts';
import { findWrongAlias } from './yaml-expansion.ts';

/** Why a text is no YAML document we accept, and where. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  readonly position: Position;

  constructor(message: string, position: Position, options?: ErrorOptions) {
    super(message, options);
    this.position = position;
  }
}

/** A text without any document in it: nothing, or nothing but comments. */
export class EmptyYamlError extends YamlError {}

/** One YAML document: its value, and where each part of it stands. */
export interface YamlDocument {
  readonly value: unknown;
  /**
   * Returns the position of the value at a JSON pointer (RFC 6901), or of its key. For a pointer that is not in the
   * document (a missing property, or one behind an alias) it is the position of the nearest ancestor that is.
   */
  positionOf(pointer: string, part?: 'key' | 'value'): Position;
}

/** Aliases are how small texts become huge values; `findWrongAlias` looks at what they stand for. */
const LIMITS = { maxAliases: 50, maxDepth: 50 };

const START: Position = { line: 1, column: 1 };

/**
 * Parses exactly one YAML 1.2 document; throws a YamlError for anything else.
 *
 * Standard types only, no merge keys, no custom tags; an empty text, a second document, duplicate keys and alias bombs
 * are errors with a position.
 */
export function parseYaml(source: string): YamlDocument {
  try {
    const options = { source, ...LIMITS };
    const events = parseEvents(source, options);
    const documents = events.filter((event) => event.type === EVENT_ID.DOCUMENT).length;
    if (documents === 0) {
      const isBlank = source.trim() === '';
      throw new EmptyYamlError(isBlank ? 'the file is empty' : 'the file holds nothing but comments', START);
    }
    const offsets = indexOffsets(source, events);
    const lines = new LineIndex(source);
    if (documents > 1) {
      throw new YamlError(
        'the file holds more than one document',
        lines.positionAt(findSecondDocument(source, events, offsets)),
      );
    }
    const alias = findWrongAlias(source, events);
    if (alias !== undefined) throw new YamlError(alias.message, lines.positionAt(alias.offset));
    const [value] = constructFromEvents(events, options);
    return {
      value,
      positionOf: (pointer, part = 'value') => lines.positionAt(offsets.find(pointer, part)),
    };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const position = error.mark ? { line: error.mark.line + 1, column: error.mark.column + 1 } : START;
    throw new YamlError(error.reason || error.message, position, { cause: error });
  }
}

/**
 * Returns where the second document begins: at its `---`, which stands nowhere else at the beginning of a line; without
 * one (after a `...`) at its value. https://yaml.org/spec/1.2.2/#rule-c-forbidden
 */
function findSecondDocument(source: string, events: readonly Event[], offsets: OffsetIndex): number {
  const [first, second] = events.filter((event) => event.type === EVENT_ID.DOCUMENT);
  if (second?.explicitStart !== true) return offsets.secondDocument;
  const markers = [...source.matchAll(/(?<=^|[\r\n])---(?=[ \t\r\n]|$)/g)];
  return markers[first?.explicitStart === true ? 1 : 0]?.index ?? offsets.secondDocument;
}

/** Returns the JSON pointer of a child: `~` and `/` in the key are escaped. */
export function childPointer(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Where keys and values of the first document stand, as offsets into the text, by JSON pointer. */
class OffsetIndex {
  readonly keys = new Map<string, number>();
  readonly values = new Map<string, number>();
  secondDocument = 0;

  find(pointer: string, part: 'key' | 'value'): number {
    const key = part === 'key' ? this.keys.get(pointer) : undefined;
    const found = key ?? this.values.get(pointer);
    if (found !== undefined) return found;
    return pointer === '' ? 0 : this.find(pointer.slice(0, pointer.lastIndexOf('/')), 'value');
  }
}

/** A collection that is open while the events are walked; `pointer` is undefined inside a key that is a collection. */
type Frame =
  | { readonly kind: 'document' }
  | { readonly kind: 'sequence'; readonly pointer: string | undefined; next: number }
  | {
      readonly kind: 'mapping';
      readonly pointer: string | undefined;
      key: { text: string; offset: number } | undefined;
    };

function indexOffsets(source: string, events: readonly Event[]): OffsetIndex {
  const index = new OffsetIndex();
  const open: Frame[] = [];
  let documents = 0;
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) {
      documents += 1;
      open.push({ kind: 'document' });
      continue;
    }
    if (event.type === EVENT_ID.POP) {
      open.pop();
      continue;
    }
    const offset = offsetOf(event);
    const parent = open.at(-1);
    if (documents === 2 && parent?.kind === 'document') index.secondDocument = offset ?? 0;
    const pointer = parent === undefined ? undefined : enter(index, parent, source, event, offset);
    // A key without a value: the value has no place of its own.
    const place = offset === undefined && pointer !== undefined ? index.keys.get(pointer) : offset;
    if (pointer !== undefined && place !== undefined && documents === 1) index.values.set(pointer, place);
    if (event.type === EVENT_ID.SEQUENCE) open.push({ kind: 'sequence', pointer, next: 0 });
    if (event.type === EVENT_ID.MAPPING) open.push({ kind: 'mapping', pointer, key: undefined });
  }
  return index;
}

/** Returns the pointer of the value that `event` begins; undefined for a key, which is remembered in its mapping. */
function enter(
  index: OffsetIndex,
  parent: Frame,
  source: string,
  event: Event,
  offset: number | undefined,
): string | undefined {
  if (parent.kind === 'document') return '';
  if (parent.kind === 'sequence') {
    const item = parent.next;
    parent.next += 1;
    return parent.pointer === undefined ? undefined : childPointer(parent.pointer, item);
  }
  if (parent.key === undefined) {
    parent.key = { text: event.type === EVENT_ID.SCALAR ? getScalarValue(source, event) : '', offset: offset ?? 0 };
    return undefined;
  }
  const { key } = parent;
  parent.key = undefined;
  if (parent.pointer === undefined) return undefined;
  const pointer = childPointer(parent.pointer, key.text);
  index.keys.set(pointer, key.offset);
  return pointer;
}

/** Returns where a value begins; undefined for an empty one, which begins nowhere. */
function offsetOf(event: Event): number | undefined {
  switch (event.type) {
    case EVENT_ID.SCALAR: {
      const starts = [event.valueStart, event.tagStart, event.anchorStart];
      return starts.find((start) => start >= 0);
    }
    case EVENT_ID.ALIAS:
      return event.anchorStart - 1;
    case EVENT_ID.SEQUENCE:
    case EVENT_ID.MAPPING:
      return event.start;
    default:
      return undefined;
  }
}
