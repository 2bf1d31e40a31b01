import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { gitEnvironment } from './git-command.ts';

export type ObjectType = 'blob' | 'tree' | 'commit' | 'tag';

export interface ObjectInfo {
  readonly oid: string;
  readonly type: ObjectType;
  /** In bytes. */
  readonly size: number;
}

export interface GitObject extends ObjectInfo {
  readonly content: Buffer;
}

interface Waiting {
  readonly wantsContent: boolean;
  readonly resolve: (found: GitObject | undefined) => void;
  readonly reject: (error: Error) => void;
}

const header = /^([0-9a-f]{40}) (blob|tree|commit|tag) (\d+)$/;
const empty = Buffer.alloc(0);

/**
 * Reads git objects through one `git cat-file --batch-command` that stays open: starting a process for each object would
 * dominate the time of every request. Answers come back in the order of the questions.
 *
 * @see https://git-scm.com/docs/git-cat-file#_batch_output
 */
export class ObjectReader {
  readonly #directory: string;
  readonly #waiting: Waiting[] = [];
  #process: ChildProcessWithoutNullStreams | undefined;
  #chunks: Buffer[] = [];
  #length = 0;
  #current: ObjectInfo | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Type and size of an object, by id or by any other name that git resolves; undefined where there is none. */
  async info(name: string): Promise<ObjectInfo | undefined> {
    return this.#ask('info', name);
  }

  async read(name: string): Promise<GitObject | undefined> {
    return this.#ask('contents', name);
  }

  async close(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.stdin.end();
    await closed;
  }

  #ask(command: 'info' | 'contents', name: string): Promise<GitObject | undefined> {
    if (name === '' || /[\n\0]/.test(name)) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const child = this.#start();
      this.#waiting.push({ wantsContent: command === 'contents', resolve, reject });
      child.stdin.write(`${command} ${name}\n`);
    });
  }

  #start(): ChildProcessWithoutNullStreams {
    if (this.#process !== undefined) return this.#process;
    const child = spawn('git', [`--git-dir=${this.#directory}`, 'cat-file', '--batch-command'], {
      env: gitEnvironment(),
    });
    const complaints: string[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#answer();
    });
    child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk.toString()));
    child.stdin.on('error', () => undefined);
    const fail = (error: Error): void => {
      if (this.#process !== child) return;
      this.#process = undefined;
      this.#current = undefined;
      this.#take(this.#length);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    child.once('error', fail);
    child.once('close', () => fail(new Error(`git cat-file in ${this.#directory} ended: ${complaints.join('')}`)));
    this.#process = child;
    return child;
  }

  #answer(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const line = this.#current === undefined ? this.#takeLine() : '';
      if (line === undefined) return;
      const [, oid = '', type, size] = header.exec(line) ?? [];
      if (type === 'blob' || type === 'tree' || type === 'commit' || type === 'tag') {
        this.#current = { oid, type, size: Number(size) };
      }
      const info = this.#current;
      if (info !== undefined && next.wantsContent && this.#length < info.size + 1) return;
      this.#current = undefined;
      this.#waiting.shift();
      if (info === undefined) {
        next.resolve(undefined);
      } else {
        const content = next.wantsContent ? this.#take(info.size + 1).subarray(0, info.size) : empty;
        next.resolve({ ...info, content });
      }
    }
  }

  #takeLine(): string | undefined {
    const end = this.#join().indexOf(10);
    return end < 0 ? undefined : this.#take(end + 1).toString('utf8', 0, end);
  }

  /** What has arrived, as one piece; joined only where it has to be, for large objects come in thousands of pieces. */
  #join(): Buffer {
    const [only, another] = this.#chunks;
    if (only !== undefined && another === undefined) return only;
    const joined = Buffer.concat(this.#chunks, this.#length);
    this.#chunks = [joined];
    return joined;
  }

  #take(bytes: number): Buffer {
    const joined = this.#join();
    const rest = joined.subarray(bytes);
    this.#chunks = [rest];
    this.#length = rest.length;
    return joined.subarray(0, bytes);
  }
}
