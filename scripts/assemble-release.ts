/**
 * Writes the tree that people use as `org/actions/<name>@v1`: `npm run assemble -- --out DIR`, after `npm run build`.
 *
 * DIR must be absent, empty, or a tree that was assembled before; nothing else is ever deleted.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { assembleRelease } from './release-tree.ts';
import { runScript, userDirectory } from './run-script.ts';

await runScript(async () => {
  const { values } = parseArgs({ options: { out: { type: 'string' } } });
  if (values.out === undefined) throw new Error('Where to? npm run assemble -- --out DIR');
  const out = resolve(userDirectory(), values.out);
  const files = await assembleRelease(out);
  console.log(`${files.length} files in ${out}`);
});
