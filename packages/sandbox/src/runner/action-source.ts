import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ActionMetadata, parseActionMetadata } from './action-metadata.ts';
import { parseActionReference } from './action-reference.ts';
import { type NodeAction, openNodeAction } from './node-action.ts';
import { openStandIn } from './stand-ins/stand-in.ts';
import type { TreeReader } from './tree-reader.ts';

export interface ActionSourceOptions {
  /** The tree that the workflow file is from. */
  readonly tree: TreeReader;
  /** The assembled tree on disk. */
  readonly released: string;
  /** A directory that is the job's own: actions of a tree that is not on disk are written there. */
  readonly cache: string;
  /** Where artifacts of the run are kept. */
  readonly artifacts: string;
}

/** Finds the actions that the steps of one job name. */
export class ActionSource {
  readonly #options: ActionSourceOptions;

  constructor(options: ActionSourceOptions) {
    this.#options = options;
  }

  /** Opens the action behind `uses:`; throws an error that says where it was looked for. */
  async open(uses: string, place: string, workspace: string): Promise<NodeAction> {
    const reference = parseActionReference(uses, place);
    switch (reference.kind) {
      case 'own':
        return this.#openOwn(reference.name, place);
      case 'released':
        return openOnDisk(this.#options.released, reference.name, `${place}: org/actions has no`);
      case 'workspace':
        return openOnDisk(
          workspace,
          reference.path,
          `${place}: actions/checkout must come first, for the workspace has no`,
        );
      case 'stand-in':
        return openStandIn(reference.name, this.#options.artifacts);
    }
  }

  async #openOwn(name: string, place: string): Promise<NodeAction> {
    const { tree, cache } = this.#options;
    const missing = `${place}: ${tree.name} has no`;
    if (tree.directory !== undefined) return openOnDisk(tree.directory, name, missing);
    const path = `${name}/action.yml`;
    const text = await tree.read(path);
    if (text === undefined) throw new Error(`${missing} ${path}`);
    const metadata = parseActionMetadata(text, `${tree.name}: ${path}`);
    const directory = join(cache, name);
    await writeScripts(tree, name, metadata, directory);
    return { metadata, directory };
  }
}

/** Writes what node needs to run the action: each script is one file, and a `package.json` says what kind. */
async function writeScripts(
  tree: TreeReader,
  name: string,
  metadata: ActionMetadata,
  directory: string,
): Promise<void> {
  const scripts = [metadata.pre?.path, metadata.main, metadata.post?.path].flatMap((path) => path ?? []);
  for (const script of scripts) {
    for (const path of [script, join(dirname(script), 'package.json')]) {
      const text = await tree.read(join(name, path));
      if (text === undefined) continue;
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
  }
}

/** Opens an action of a tree on disk; `missing` begins what is said when it is not there. */
async function openOnDisk(root: string, path: string, missing: string): Promise<NodeAction> {
  const directory = join(root, path);
  await access(join(directory, 'action.yml')).catch((error: unknown) => {
    throw new Error(`${missing} ${path}/action.yml`, { cause: error });
  });
  return openNodeAction(directory);
}
