import { join } from 'node:path';
import { gitText, runGit } from '@slipway/sandbox/github/git/git-command';
import { commitFiles, createBareRepository } from '@slipway/sandbox/github/seed';
import type { Files } from '../scripts/release/git-tree.ts';
import { type PushPlan, planRelease } from '../scripts/release/publish.ts';
import { Remote } from '../scripts/release/remote.ts';
import { parseVersion } from '../scripts/release/version.ts';
import { temporaryDirectory } from './bundle.ts';

/** A remote repository with a `main`, and clones of it that release; all bare and on disk. */
export interface ReleasePlace {
  /** The remote repository. */
  readonly origin: string;
  /** Commits to `main` of the remote repository and returns the commit's id. */
  commit(text: string): Promise<string>;
  /** Makes a clone and returns its directory. */
  clone(): Promise<string>;
  /** Returns what every ref of the remote repository holds, by its full name. */
  refs(): Promise<Record<string, string>>;
}

export async function makePlace(): Promise<ReleasePlace> {
  const directory = temporaryDirectory();
  const origin = join(directory, 'origin.git');
  await createBareRepository(origin);
  let clones = 0;
  return {
    origin,
    commit: (text) =>
      commitFiles(origin, 'main', { 'source.txt': text }, { message: text, date: new Date('2026-01-02T03:04:05Z') }),
    clone: async () => {
      clones += 1;
      const clone = join(directory, `clone-${clones}.git`);
      await createBareRepository(clone);
      await runGit(clone, ['fetch', '--quiet', origin, 'refs/heads/main:refs/heads/main']);
      return clone;
    },
    refs: async () => {
      const text = await gitText(origin, ['for-each-ref', '--format=%(refname) %(objectname)']);
      return Object.fromEntries(text.split('\n').map((line) => line.split(' ')));
    },
  };
}

/** The files of a small release whose one action says `text`. */
export function filesOf(text: string): Files {
  return new Map([
    ['LICENSE', 'the licence'],
    ['README.md', '# Slipway'],
    ['action.yml', 'name: slipway\n'],
    ['index.js', 'process.exitCode = 1;\n'],
    ['.github/workflows/public.yml', 'on: { workflow_call: {} }\n'],
    ['schema/exchange/image.schema.json', '{}'],
    ['greet/action.yml', 'name: greet\ndescription: d\nruns: { using: node24, main: dist/index.js }\n'],
    ['greet/README.md', '# greet'],
    ['greet/dist/index.js', `console.log(${JSON.stringify(text)});\n`],
    ['greet/dist/package.json', '{"type":"module"}'],
    ['greet/dist/licenses.txt', 'licences'],
  ]);
}

/** Plans the release of the newest commit of a clone. */
export async function plan(
  { origin }: ReleasePlace,
  git: string,
  version: string,
  files: Files,
  source?: string,
): Promise<PushPlan> {
  return planRelease({
    git,
    remote: new Remote(git, origin),
    version: parseVersion(version),
    source: source ?? (await gitText(git, ['rev-parse', 'refs/heads/main'])),
    files,
  });
}

/** Plans and pushes a release of the newest commit of a fresh clone; returns the commit of the release. */
export async function release(place: ReleasePlace, version: string, text = version): Promise<string> {
  const git = await place.clone();
  const planned = await plan(place, git, version, filesOf(text));
  await new Remote(git, place.origin).push(planned.updates);
  return planned.commit ?? '';
}
