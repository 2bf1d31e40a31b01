import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { SourceFile } from './read-workflow.ts';
import type { Problem } from './rule.ts';

/** What workflows can call: `action.yml` by the action's name, and the reusable workflows. */
export interface Callable {
  readonly actions: ReadonlyMap<string, string>;
  readonly workflows: readonly SourceFile[];
}

interface Report {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly message: string;
}

/** What actionlint 1.7.7 holds against what GitHub has learnt since, and why it is wrong. */
const FALSE_ALARMS: readonly { readonly message: RegExp; readonly reason: string }[] = [
  {
    message: /^invalid runner name "node24" at runs\.using in "[\w-]+" action defined at "[^"]+"\. valid runners are /,
    reason: 'Actions run on node 24 since 2025.',
  },
  {
    message: /^unexpected key "queue" for "concurrency" section\. expected one of "cancel-in-progress", "group"$/,
    reason: 'A group keeps more than one waiting with `queue: max` since 2026.',
  },
];

/** actionlint finds a repository by these, and what is called by its path below it. */
const WORKFLOWS = '.github/workflows';
const CALLED = 'called';

/**
 * Returns what actionlint finds in workflow files, without the false alarms.
 *
 * It reads what is called only where that is a local path. So each repository (`examples/` holds several; a page's
 * example is one by itself) is copied, and in the copy `$/<name>` and `org/actions/<name>@<ref>` read
 * `./actions/<name>`. Lines stay what they are.
 */
export async function lintWorkflows(files: readonly SourceFile[], callable: Callable): Promise<Problem[]> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'slipway-actionlint-')));
  try {
    const originals = await copyAll(directory, files, callable);
    const script = join(import.meta.dirname, 'actionlint-process.ts');
    const options = { cwd: directory, maxBuffer: 64 * 1024 * 1024, timeout: 150_000 };
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...originals.keys()], options);
    const reports: readonly Report[] = JSON.parse(stdout);
    return reports
      .filter(({ message }) => !FALSE_ALARMS.some((alarm) => alarm.message.test(message)))
      .map(({ file, line, kind, message }) => ({
        file: originals.get(file) ?? file,
        line,
        message: `${message.replaceAll(`${directory}/`, '')} [${kind}]`,
      }));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Copies the files into one folder for each repository; returns which copy is of which file. */
async function copyAll(
  directory: string,
  files: readonly SourceFile[],
  callable: Callable,
): Promise<Map<string, string>> {
  const originals = new Map<string, string>();
  const roots = new Map<string, string>();
  for (const { file, text } of files) {
    const [root = '', name] = file.split(`${WORKFLOWS}/`);
    const repository = roots.get(root) ?? `repository-${roots.size}`;
    if (!roots.has(root)) await prepareRepository(join(directory, repository), callable);
    roots.set(root, repository);
    const copy = `${repository}/${WORKFLOWS}/${name ?? 'example.yml'}`;
    await write(join(directory, copy), localise(text));
    originals.set(copy, file);
  }
  return originals;
}

async function prepareRepository(directory: string, { actions, workflows }: Callable): Promise<void> {
  await mkdir(join(directory, '.git'), { recursive: true });
  await mkdir(join(directory, WORKFLOWS), { recursive: true });
  for (const [name, text] of actions) {
    await write(join(directory, 'actions', name, 'action.yml'), text);
    await write(join(directory, 'actions', name, 'dist/index.js'), '');
  }
  for (const { file, text } of workflows) {
    await write(join(directory, CALLED, file.replace(`${WORKFLOWS}/`, '')), localise(text));
  }
}

function localise(text: string): string {
  return text
    .replace(
      /(\buses:\s*)(?:\$\/|org\/actions\/)\.github\/workflows\/([\w.-]+\.ya?ml)(?:@[\w.-]+)?/g,
      `$1./${CALLED}/$2`,
    )
    .replace(/(\buses:\s*)(?:\$\/([\w-]+)|org\/actions\/([\w-]+)@[\w.-]+)/g, '$1./actions/$2$3');
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
