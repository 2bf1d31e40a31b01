import { join } from 'node:path';
import { CHECK_LIMIT, type CheckTool, mountArguments, mustRun, type RunProgram } from './check-tool.ts';
import { removeTemporaryDirectory } from './temporary-directory.ts';

/**
 * Runs checks with buildah, in a storage of its own below `directory`; needs root. `layout` is relative to where `run` runs
 * programs: engines make names of paths, and take neither capitals nor colons in them.
 *
 * The network is taken away by `unshare`, because buildah refuses `--network none` with chroot isolation, which is the
 * one that works inside of containers too. https://github.com/containers/buildah/blob/main/docs/buildah-run.1.md
 */
export function openBuildah(run: RunProgram, layout: string, directory: string): CheckTool {
  const storage = ['--root', join(directory, 'root'), '--runroot', join(directory, 'runroot')];
  const buildah = async (...args: string[]): Promise<string> =>
    (await mustRun(run, 'buildah', [...storage, ...args])).trim();
  const list = async (mount: string): Promise<Map<string, string>> =>
    parseListing(await mustRun(run, 'find', [mount, ...LISTING]));
  let isolation: readonly string[] | undefined;
  return {
    name: 'buildah',
    run: async (image, command, mounts) => {
      const container = lastLine(await buildah('from', '--quiet', '--pull-always', `oci:${layout}:${image}`));
      const mount = lastLine(await buildah('mount', container));
      const before = await list(mount);
      isolation ??= await chooseIsolation(run);
      const options = ['--isolation', 'chroot', ...mountArguments(mounts)];
      const args = ['buildah', ...storage, 'run', ...options, container, '--', ...command];
      const result = await run('unshare', [...isolation, ...args], { limit: CHECK_LIMIT });
      return { ...result, changed: compareListings(before, await list(mount)) };
    },
    // Containers and images are nothing but this: buildah would take them apart one by one first.
    close: () => removeTemporaryDirectory(directory),
  };
}

/** With processes of its own a check can neither see nor end those of the job, and nothing that it starts outlives it. */
const OWN_PROCESSES = ['-p', '-f', '--kill-child', '--mount-proc'];

/** Returns what `unshare` is to take away from a program; some containers forbid to mount another /proc. */
export async function chooseIsolation(run: RunProgram): Promise<readonly string[]> {
  const { exitCode } = await run('unshare', ['-n', ...OWN_PROCESSES, 'true']);
  return exitCode === 0 ? ['-n', ...OWN_PROCESSES] : ['-n'];
}

/** Path, kind, mode, owner, inode, size and time of the last change, for every file. */
const LISTING = ['-xdev', '-printf', '%P\\t%y %m %U %G %i %s %C@\\0'];

function parseListing(text: string): Map<string, string> {
  return new Map(
    text.split('\0').map((line) => {
      const tab = line.lastIndexOf('\t');
      const facts = line.slice(tab + 1);
      // A directory changes with every name in it; which ones are there tells more.
      const [kind, mode, uid, gid] = facts.split(' ');
      return [line.slice(0, Math.max(tab, 0)), kind === 'd' ? `${kind} ${mode} ${uid} ${gid}` : facts];
    }),
  );
}

function compareListings(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path)).filter((path) => !isMachinery(path));
}

/** What running a container makes by itself, and where programs put what they do not mean to keep. */
export function isMachinery(path: string): boolean {
  return /^(?:|(?:proc|sys|dev|run|tmp|var\/tmp)(?:\/.*)?|etc|var|etc\/(?:hosts|hostname|resolv\.conf|mtab))$/.test(
    path,
  );
}

/** Engines may warn before they answer. */
export function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}
