/** Stand-in for actions/download-artifact: copies artifacts of the run to where they are wanted. */
import { cp, mkdir, readdir, stat } from 'node:fs/promises';
import { join, matchesGlob, resolve } from 'node:path';
import { env } from 'node:process';
import { artifactDirectory, artifactsDirectory } from './artifact-directory.ts';
import { flag, input, play, setOutput } from './script.ts';

await play('actions/download-artifact', async () => {
  const target = resolve(env['GITHUB_WORKSPACE'] ?? '', input('path'));
  await mkdir(target, { recursive: true });
  const [name, pattern] = [input('name'), input('pattern')];
  if (name !== '') {
    const source = artifactDirectory(name);
    if ((await stat(source).catch(() => undefined)) === undefined) {
      throw new Error(`Unable to download artifact(s): Artifact not found for name: ${name}`);
    }
    await cp(source, target, { recursive: true });
  } else {
    const names = (await readdir(artifactsDirectory())).filter((each) => pattern === '' || matchesGlob(each, pattern));
    const merge = flag('merge-multiple');
    for (const each of names.sort())
      await cp(artifactDirectory(each), merge ? target : join(target, each), { recursive: true });
    console.log(`${names.length} artifacts were found`);
  }
  setOutput('download-path', target);
});
