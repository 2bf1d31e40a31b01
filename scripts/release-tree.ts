import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { readActionMetadata } from '@slipway/sandbox/runner/action-metadata';
import { readYamlFile } from '@slipway/sandbox/runner/yaml-value';
import { buildQuietly } from './build-quietly.ts';
import { eventsOf } from './release/workflow-events.ts';
import { advise, describeTree, type ReleasedAction, ROOT_MARK, refuseRoot } from './release-root.ts';
import { writeTree } from './write-tree.ts';

const ROOT = join(import.meta.dirname, '..');

/** What makes a bundle: the licences of what is in it belong to it. */
const BUNDLE = ['index.js', 'package.json', 'licenses.txt'];

type Files = Map<string, Uint8Array | string>;

/**
 * Collects the release tree of the repository at `root`: the content of every file, by its path.
 *
 * In it every action is a folder at the root with its bundle, so that `org/actions/<name>@v1` finds it; sources stay
 * behind. Equal sources give equal trees. Throws an error that says what is missing and how to get it.
 */
export async function collectRelease(root: string = ROOT): Promise<ReadonlyMap<string, Uint8Array | string>> {
  const files: Files = new Map();
  const actions: ReleasedAction[] = [];
  for (const name of findActions(root)) actions.push(await addAction(files, root, name));
  await addFile(files, root, 'LICENSE');
  for (const path of find(root, 'schema/**/*.json')) await addFile(files, root, path);
  const workflows = await addWorkflows(files, root);
  files.set('action.yml', refuseRoot());
  files.set('index.js', advise(actions));
  files.set('README.md', describeTree(actions, workflows));
  return files;
}

/** Writes the release tree of the repository at `root` to `out` and returns the paths in it, sorted. */
export async function assembleRelease(out: string, root: string = ROOT): Promise<string[]> {
  const files = await collectRelease(root);
  await writeTree(out, files, { path: 'action.yml', beginning: ROOT_MARK });
  return [...files.keys()].sort();
}

/** Builds what is stale, assembles the tree where scripts of this repository expect it, and returns its path. */
export async function assembleStanding(): Promise<string> {
  await buildQuietly();
  const out = join(ROOT, '_release');
  await assembleRelease(out);
  return out;
}

/** Returns whether every action has a bundle, stale or not. */
export function isBuilt(root: string = ROOT): boolean {
  return findActions(root).every((name) => existsSync(join(root, 'actions', name, 'dist/index.js')));
}

function findActions(root: string): string[] {
  const names = find(root, 'actions/*/package.json').map((path) => path.split('/')[1] ?? '');
  if (names.length === 0) throw new Error(`There are no actions in ${join(root, 'actions')}.`);
  return names;
}

async function addAction(files: Files, root: string, name: string): Promise<ReleasedAction> {
  const source = `actions/${name}`;
  const { description } = await readActionMetadata(join(root, source));
  const absent = BUNDLE.filter((file) => !existsSync(join(root, source, 'dist', file)));
  if (absent.length > 0) throw new Error(`${source}/dist has no ${absent.join(', ')}. Run \`npm run build\` first.`);
  if (!existsSync(join(root, source, 'README.md'))) {
    throw new Error(`${source}/README.md is missing: every action that is released says how it is used.`);
  }
  const bundle = find(join(root, source), 'dist/**/*');
  for (const path of ['action.yml', 'README.md', ...bundle]) {
    files.set(`${name}/${path}`, await readFile(join(root, source, path)));
  }
  return { name, description };
}

/** Adds the workflows that other repositories may call; our own stay where they run. */
async function addWorkflows(files: Files, root: string): Promise<string[]> {
  const added: string[] = [];
  for (const path of find(root, '.github/workflows/*.{yml,yaml}')) {
    if (!eventsOf(await readYamlFile(join(root, path)), path).includes('workflow_call')) continue;
    await addFile(files, root, path);
    added.push(path);
  }
  return added;
}

async function addFile(files: Files, root: string, path: string): Promise<void> {
  if (!existsSync(join(root, path))) throw new Error(`${path} is missing: it belongs to every release.`);
  files.set(path, await readFile(join(root, path)));
}

function find(directory: string, pattern: string): string[] {
  return globSync(pattern, { cwd: directory, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}
