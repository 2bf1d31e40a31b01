import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConcurrencyGroups } from './concurrency-groups.ts';
import { runWorkflow, type WorkflowRunOptions, type WorkflowRunResult } from './run-workflow.ts';
import { directoryTree } from './tree-reader.ts';

/** The actions and the workflow files of a test, on disk, removed after it. */
export class WorkflowFixture {
  readonly directory: string;
  readonly concurrency = new ConcurrencyGroups();
  /** `<job>: <line>` in the order in which the lines came. */
  readonly lines: string[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<WorkflowFixture> {
    return new WorkflowFixture(await mkdtemp(join(tmpdir(), 'slipway-workflows-')));
  }

  /** Writes a file of the repository, such as `.github/workflows/called.yml`. */
  async write(path: string, text: string): Promise<string> {
    const whole = join(this.directory, path);
    await mkdir(dirname(whole), { recursive: true });
    await writeFile(whole, text);
    return whole;
  }

  /** Runs a workflow whose tree is the fixture's directory, which is the assembled tree as well. */
  run(text: string, options: Partial<WorkflowRunOptions> = {}): Promise<WorkflowRunResult> {
    const tree = directoryTree(this.directory, 'acme/plugins');
    return runWorkflow({
      workflow: { path: '.github/workflows/main.yml', text, tree },
      github: { repository: 'acme/plugins', event_name: 'push', event: { ref: 'refs/heads/main' } },
      actions: this.directory,
      concurrency: this.concurrency,
      openJob: async ({ id }) => ({ token: `token of ${id}`, close: async () => undefined }),
      onLine: (line, job) => this.lines.push(`${job}: ${line}`),
      ...options,
    });
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}

/** Returns how each job of a run ended, by its name. */
export function verdicts({ jobs }: WorkflowRunResult): Record<string, string | undefined> {
  return Object.fromEntries(jobs.map(({ name, result }) => [name, result]));
}
