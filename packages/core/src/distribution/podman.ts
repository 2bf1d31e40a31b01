import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMachinery, lastLine } from './buildah.ts';
import { CHECK_LIMIT, type CheckTool, mountArguments, mustRun, type RunProgram } from './check-tool.ts';
import { removeTemporaryDirectory } from './temporary-directory.ts';

/**
 * Runs checks with podman, in a storage of its own below `directory`; needs no root. `layout` is relative, see `openBuildah`.
 *
 * https://docs.podman.io/en/latest/markdown/podman-run.1.html
 */
export async function openPodman(run: RunProgram, layout: string, directory: string): Promise<CheckTool> {
  // Podman takes no path of more than 50 characters for it, and runners have longer ones.
  const runroot = await mkdtemp(join(tmpdir(), 'slipway-'));
  const storage = ['--root', join(directory, 'root'), '--runroot', runroot];
  const podman = async (...args: string[]): Promise<string> =>
    (await mustRun(run, 'podman', [...storage, ...args])).trim();
  return {
    name: 'podman',
    run: async (image, command, mounts) => {
      const id = lastLine(await podman('pull', '--quiet', `oci:${layout}:${image}`));
      // Nothing is relabelled for a container that lives for seconds.
      const isolation = ['--network', 'none', '--security-opt', 'label=disable'];
      const options = [...isolation, '--ulimit', 'host', '--pull', 'never', '--http-proxy=false'];
      const container = lastLine(await podman('create', ...options, ...mountArguments(mounts), id, ...command));
      try {
        const result = await run('podman', [...storage, 'start', '--attach', container], { limit: CHECK_LIMIT });
        return { ...result, changed: parseChanges(await podman('diff', '--format', 'json', container)) };
      } finally {
        await podman('rm', '--force', container);
      }
    },
    close: async () => {
      await run('podman', [...storage, 'rmi', '--all', '--force']);
      // Files of other users below a rootless storage can be removed only from inside.
      await run('podman', [...storage, 'unshare', 'rm', '-rf', directory]);
      for (const path of [directory, runroot]) await removeTemporaryDirectory(path);
    },
  };
}

/** `{"changed": ["/etc"], "added": …, "deleted": …}`. */
function parseChanges(text: string): string[] {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return [];
  const changes = Object.entries(value).flatMap(([kind, paths]: [string, unknown]) =>
    Array.isArray(paths) ? paths.map((path: unknown) => ({ kind, path: String(path).replace(/^\//, '') })) : [],
  );
  const parents = new Set(changes.flatMap(({ path }) => parentsOf(path)));
  // A directory counts as changed when something in it was; that is told by itself.
  return changes
    .filter(({ kind, path }) => !(kind === 'changed' && parents.has(path)) && !isMachinery(path))
    .map(({ path }) => path);
}

function parentsOf(path: string): string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
}
