/**
 * Assembles the tree that people use as `org/actions/<name>@v1`, after `npm run build`: `npm run assemble -- --out DIR`.
 *
 * DIR must be absent, empty, or a tree that was assembled before; nothing else is ever deleted. `--tree` writes the tree
 * into git's object store instead, without a directory, and prints its id: equal sources have equal ids.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gitText } from '@slipway/sandbox/github/git/git-command';
import { checkTree } from './release/check-tree.ts';
import { writeGitTree } from './release/git-tree.ts';
import { assembleRelease, collectRelease } from './release-tree.ts';
import { runScript, userDirectory } from './run-script.ts';

await runScript(async () => {
  const { values } = parseArgs({ options: { out: { type: 'string' }, tree: { type: 'boolean', default: false } } });
  if (values.out === undefined && !values.tree) throw new Error('Where to? npm run assemble -- --out DIR');
  if (values.out !== undefined) {
    const out = resolve(userDirectory(), values.out);
    const files = await assembleRelease(out);
    console.log(`${files.length} files in ${out}`);
  }
  if (values.tree) {
    const git = await gitText(join(import.meta.dirname, '../.git'), ['rev-parse', '--absolute-git-dir']);
    const files = await collectRelease();
    checkTree(files);
    console.log(await writeGitTree(git, files));
  }
});
