import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { ActionError, messageOf } from '../errors.ts';
import type { FileSource } from './file-source.ts';
import { type GitEntry, parseTreeObject } from './git-tree.ts';

type ObjectType = 'blob' | 'tree' | 'commit';

interface Question {
  readonly id: string;
  readonly path: string;
  readonly type: ObjectType;
  resolve(bytes: Buffer): void;
  reject(error: unknown): void;
}

/**
 * Reads the objects of one repository through one `git cat-file --batch`: a process for each of 26,000 files would take
 * minutes. Questions can be asked without waiting for the answer to the one before.
 *
 * https://git-scm.com/docs/git-cat-file#_batch_output
 */
export class GitObjects implements FileSource {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: Question[] = [];
  #complaint = '';
  #ended = false;
  /** What has arrived and belongs to no answered question yet. */
  #chunks: Buffer[] = [];
  #size = 0;
  /** Bytes of the answer that is arriving, its last line feed included; undefined while its head is awaited. */
  #wanted: number | undefined;

  constructor(directory: string, env: NodeJS.ProcessEnv) {
    this.#process = spawn('git', ['--git-dir', directory, 'cat-file', '--batch'], { env });
    this.#process.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#process.stderr.on('data', (chunk: Buffer) => {
      this.#complaint = `${this.#complaint}${chunk.toString('utf8')}`.slice(-2000);
    });
    this.#process.stdin.on('error', () => undefined);
    this.#process.on('error', (error) => this.#end(messageOf(error)));
    this.#process.on('close', () => this.#end(this.#complaint.trim() || 'git ended'));
  }

  read(id: string, path: string): Promise<Buffer> {
    return this.#ask(id, 'blob', path);
  }

  /** Returns what is in a directory. */
  async readTree(id: string, path: string): Promise<GitEntry[]> {
    return parseTreeObject(await this.#ask(id, 'tree', path));
  }

  async readCommit(id: string): Promise<string> {
    return (await this.#ask(id, 'commit', 'The commit')).toString('utf8');
  }

  #ask(id: string, type: ObjectType, path: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(unreadable(path, id, this.#complaint.trim() || 'git ended'));
      this.#waiting.push({ id, type, path, resolve, reject });
      this.#process.stdin.write(`${id}\n`);
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const closed = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.stdin.end();
    await closed;
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#answer()) {
      // Every answer that is complete.
    }
  }

  /** Answers the oldest question when all of its answer is there. */
  #answer(): boolean {
    const [question] = this.#waiting;
    if (question === undefined) return false;
    if (this.#wanted === undefined) {
      const bytes = this.#join();
      const end = bytes.indexOf(10);
      if (end === -1) return false;
      const [, type = '', size = ''] = bytes.toString('latin1', 0, end).split(' ');
      this.#replace(bytes.subarray(end + 1));
      if (type !== question.type) {
        this.#waiting.shift();
        question.reject(
          unreadable(question.path, question.id, type === 'missing' ? 'it is missing' : `it is a ${type}`),
        );
        return true;
      }
      this.#wanted = Number(size) + 1;
    }
    if (this.#size < this.#wanted) return false;
    const bytes = this.#join();
    this.#waiting.shift();
    question.resolve(bytes.subarray(0, this.#wanted - 1));
    this.#replace(bytes.subarray(this.#wanted));
    this.#wanted = undefined;
    return true;
  }

  #join(): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    const bytes = this.#chunks.length > 1 ? Buffer.concat(this.#chunks, this.#size) : first;
    this.#replace(bytes);
    return bytes;
  }

  #replace(bytes: Buffer): void {
    this.#chunks = [bytes];
    this.#size = bytes.length;
  }

  /** The first question is the one that git died of; the others only waited. */
  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#complaint = reason;
    for (const { path, id, reject } of this.#waiting.splice(0)) reject(unreadable(path, id, reason));
  }
}

/** Code of errors about objects that git cannot give. */
export const UNREADABLE_OBJECT = 'unreadable-object';

/** What to say about a file whose object git cannot give. */
export function unreadable(path: string, id: string, reason: string): ActionError {
  return new ActionError(
    UNREADABLE_OBJECT,
    `${path} cannot be read: its git object ${id} is damaged or missing (${reason}). ` +
      'Commit the file again, or repair the repository (git fsck names what is broken), then run again.',
  );
}
