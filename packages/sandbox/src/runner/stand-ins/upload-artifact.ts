/** Stand-in for actions/upload-artifact: copies files to where the artifacts of the run are kept. */
import { cp, glob, mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { env } from 'node:process';
import { artifactDirectory } from './artifact-directory.ts';
import { flag, input, play, setOutput } from './script.ts';

await play('actions/upload-artifact', async () => {
  const name = input('name');
  const target = artifactDirectory(name);
  const workspace = env['GITHUB_WORKSPACE'] ?? '';
  const paths = input('path')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (paths.length === 0) throw new Error("input 'path' is required");
  const roots = (await Promise.all(paths.map((path) => findRoots(workspace, path)))).flat();
  const files = (await Promise.all(roots.map(filesOf))).flat();
  if (files.length === 0) {
    const message = `No files were found with the provided path: ${paths.join(' ')}. No artifacts will be uploaded.`;
    const level = input('if-no-files-found');
    if (level === 'error') throw new Error(message);
    console.log(level === 'ignore' ? message : `::warning::${message}`);
    return;
  }
  if (flag('overwrite')) await rm(target, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true });
  // Made by one of two that come at once, and by nobody a second time.
  await mkdir(target).catch((error: unknown) => {
    throw new Error(`an artifact with the name '${name}' already exists on the workflow run`, { cause: error });
  });
  const base = commonRoot(roots.length === 1 ? roots : files);
  const from = (await stat(base)).isDirectory() ? base : dirname(base);
  for (const file of files) await cp(file, join(target, relative(from, file)));
  console.log(`${files.length} files are in the artifact ${name}`);
  setOutput('artifact-name', name);
});

/** A path may be a pattern; hidden files are left out, as by the real action. */
async function findRoots(workspace: string, path: string): Promise<string[]> {
  if (/[*?[\]]/.test(path)) {
    const found = await Array.fromAsync(glob(path, { cwd: workspace }));
    return found.map((entry) => resolve(workspace, entry));
  }
  const whole = resolve(workspace, path);
  return (await stat(whole).catch(() => undefined)) === undefined ? [] : [whole];
}

async function filesOf(root: string): Promise<string[]> {
  if (!(await stat(root)).isDirectory()) return [root];
  const entries = await Array.fromAsync(glob('**', { cwd: root, withFileTypes: true }));
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        !relative(root, file)
          .split(sep)
          .some((part) => part.startsWith('.')),
    );
}

/** Names in the artifact begin below the directory that all files share. */
function commonRoot([first = '', ...others]: readonly string[]): string {
  let root = first;
  while (others.some((other) => other !== root && !other.startsWith(root + sep))) root = dirname(root);
  return root;
}
