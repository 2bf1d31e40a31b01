import { constructFromEvents, EVENT_ID, type Event, getScalarValue, parseEvents, YAMLException } from 'js-yaml';

/** A place in a text; both count from 1, as editors and GitHub's annotations do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Why a text is no YAML document we accept, and where. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  readonly position: Position;

  constructor(message: string, position: Position, options?: ErrorOptions) {
    super(message, options);
    this.position = position;
  }
}

/** One YAML document: its value, and where each part of it stands. */
export interface YamlDocument {
  readonly value: unknown;
  /**
   * Returns the position of the value at a JSON pointer (RFC 6901), or of its key. For a pointer that is not in the
   * document (a missing property, or one behind an alias) it is the position of the nearest ancestor that is.
   */
  positionOf(pointer: string, part?: 'key' | 'value'): Position;
}

/** Aliases are how small texts become huge values; real files have none. */
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
    if (documents === 0) throw new YamlError('the file is empty', START);
    const offsets = indexOffsets(source, events);
    if (documents > 1) {
      throw new YamlError('the file holds more than one document', positionAt(source, offsets.secondDocument));
    }
    const [value] = constructFromEvents(events, options);
    return {
      value,
      positionOf: (pointer, part = 'value') => positionAt(source, offsets.find(pointer, part)),
    };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const position = error.mark ? { line: error.mark.line + 1, column: error.mark.column + 1 } : START;
    throw new YamlError(error.reason || error.message, position, { cause: error });
  }
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

function positionAt(source: string, offset: number): Position {
  const before = source.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}
