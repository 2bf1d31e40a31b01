import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of small real actions, made by a test and removed after it. */
export class ActionFixture {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<ActionFixture> {
    return new ActionFixture(await mkdtemp(join(tmpdir(), 'slipway-actions-')));
  }

  /** Adds an action; `metadata` is what its `action.yml` says beside name, description and `runs`. */
  async add(name: string, script: string, metadata = ''): Promise<string> {
    const directory = join(this.directory, name);
    await mkdir(join(directory, 'dist'), { recursive: true });
    const head = `name: ${name}\ndescription: A small action.\n`;
    await writeFile(
      join(directory, 'action.yml'),
      `${head}${metadata}\nruns: { using: node24, main: dist/index.js }\n`,
    );
    await writeFile(join(directory, 'dist/index.js'), script);
    await writeFile(join(directory, 'dist/package.json'), '{"type":"module"}');
    return directory;
  }

  async file(name: string, content: string): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, content);
    return path;
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}

/** The beginning of an action that appends to the files the runner gave it. */
export const APPEND = `
import { appendFileSync } from 'node:fs';
const append = (file, text) => appendFileSync(process.env[file], text);
`;
