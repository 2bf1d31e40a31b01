import { EVENT_ID, type Event } from 'js-yaml';

/** Values that aliases may add to those that are written out; real files have no alias at all. */
const MOST_ADDED = 100_000;

/** An alias that must not be followed. */
export interface WrongAlias {
  /** Offset of its `*`. */
  readonly offset: number;
  readonly message: string;
}

/** A collection that is open while the events are walked. */
interface Frame {
  readonly anchor: string | undefined;
  /** Values in it so far, aliases written out. */
  size: number;
}

/**
 * Returns the first alias that makes the document too large, or part of itself; undefined when there is none.
 *
 * The number of aliases says little: fifty of them make fifty megabytes of one. So the values are counted that a program
 * sees which walks the document, each anchor's once. https://yaml.org/spec/1.2.2/#71-alias-nodes
 */
export function findWrongAlias(source: string, events: readonly Event[]): WrongAlias | undefined {
  const sizes = new Map<string, number>();
  const open: Frame[] = [];
  let added = 0;

  const addToParent = (size: number): void => {
    const parent = open.at(-1);
    if (parent !== undefined) parent.size += size;
  };

  for (const event of events) {
    switch (event.type) {
      case EVENT_ID.ALIAS: {
        const name = source.slice(event.anchorStart, event.anchorEnd);
        const offset = event.anchorStart - 1;
        // Not known yet: the alias stands in what it names. Not known at all: constructing will say so.
        if (open.some(({ anchor }) => anchor === name)) {
          return { offset, message: `the alias *${name} stands in the value that it names` };
        }
        const size = sizes.get(name) ?? 1;
        added += size;
        if (added > MOST_ADDED) return { offset, message: `aliases add more than ${MOST_ADDED} values` };
        addToParent(size);
        break;
      }
      case EVENT_ID.SCALAR: {
        const anchor = anchorOf(source, event);
        if (anchor !== undefined) sizes.set(anchor, 1);
        addToParent(1);
        break;
      }
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING:
        open.push({ anchor: anchorOf(source, event), size: 1 });
        break;
      case EVENT_ID.DOCUMENT:
        open.push({ anchor: undefined, size: 0 });
        break;
      case EVENT_ID.POP: {
        const closed = open.pop();
        if (closed?.anchor !== undefined) sizes.set(closed.anchor, closed.size);
        addToParent(closed?.size ?? 0);
        break;
      }
    }
  }
  return undefined;
}

function anchorOf(source: string, event: { anchorStart: number; anchorEnd: number }): string | undefined {
  return event.anchorStart < 0 ? undefined : source.slice(event.anchorStart, event.anchorEnd);
}
