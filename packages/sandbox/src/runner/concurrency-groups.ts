import type { Concurrency } from './concurrency-file.ts';

/** Somebody in a group: who holds it, or waits for it. */
interface Member {
  /** Asks it to go; it leaves by itself when it has stopped. */
  cancel(reason: string): void;
}

interface Waiter extends Member {
  enter(): void;
}

interface Group {
  holder: Member;
  waiting: Waiter[];
}

/** How the wait for a group ended. */
export type Entry =
  | { readonly entered: true; leave(): void }
  /** Why it was cancelled before its turn came. */
  | { readonly entered: false; readonly reason: string };

/** How many may wait with `queue: max`. */
const MAX_WAITING = 100;

/**
 * The concurrency groups of a service: in each at most one run or job is in progress at a time. Every
 * repository has groups of its own; their names do not regard case.
 *
 * @see https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
 */
export class ConcurrencyGroups {
  readonly #groups = new Map<string, Group>();

  /**
   * Waits for a group. `onCancel` is called when another member asks the holder to stop; `signal` gives up waiting. A
   * newcomer takes the place of whoever waits already, unless it asks for `queue: max`.
   */
  enter(
    repository: string,
    { group: name, cancelInProgress, queue }: Concurrency,
    onCancel: (reason: string) => void,
    signal: AbortSignal,
  ): Promise<Entry> {
    const key = `${repository}\n${name}`.toLowerCase();
    const group = this.#groups.get(key);
    if (signal.aborted) return Promise.resolve({ entered: false, reason: CANCELLED });
    if (group === undefined) {
      const holder = { cancel: onCancel };
      this.#groups.set(key, { holder, waiting: [] });
      return Promise.resolve({ entered: true, leave: () => this.#leave(key, holder) });
    }
    if (queue === 'max' && group.waiting.length >= MAX_WAITING) {
      return Promise.resolve({
        entered: false,
        reason: `Canceling since the queue of concurrency group '${name}' is full`,
      });
    }
    if (queue === 'single') {
      const reason = `Canceling since a higher priority waiting request for '${name}' exists`;
      for (const waiter of group.waiting.splice(0)) waiter.cancel(reason);
      if (cancelInProgress) group.holder.cancel(reason);
    }
    return new Promise((resolve) => {
      const end = (entry: Entry): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(entry);
      };
      const waiter: Waiter = {
        cancel: (reason) => end({ entered: false, reason }),
        enter: () => {
          const holder = { cancel: onCancel };
          group.holder = holder;
          end({ entered: true, leave: () => this.#leave(key, holder) });
        },
      };
      const giveUp = (): void => {
        group.waiting = group.waiting.filter((other) => other !== waiter);
        waiter.cancel(CANCELLED);
      };
      // By its own arrival a newcomer can have been cancelled: it may belong to the holder.
      if (signal.aborted) return waiter.cancel(CANCELLED);
      signal.addEventListener('abort', giveUp, { once: true });
      group.waiting.push(waiter);
    });
  }

  #leave(key: string, holder: Member): void {
    const group = this.#groups.get(key);
    if (group?.holder !== holder) return;
    const next = group.waiting.shift();
    if (next === undefined) this.#groups.delete(key);
    else next.enter();
  }
}

const CANCELLED = 'The operation was canceled.';
