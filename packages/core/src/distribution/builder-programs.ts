import { join } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import type { Log } from '../util/log.ts';
import { chooseIsolation, lastLine } from './buildah.ts';
import { cleanRunner, isInstalled, mustRun } from './check-tool.ts';

/** The programs that can carry a Dockerfile out in our place. */
export const BUILDERS = ['buildx', 'buildah'] as const;
export type BuilderName = (typeof BUILDERS)[number];

/** An image that the Dockerfile names, as it lies in the layout. */
export interface NamedImage {
  /** What FROM calls it. */
  readonly reference: string;
  /** What it is called in the layout. */
  readonly name: string;
}

/** What a builder is given. Paths are below the directory in which it runs. */
export interface BuilderTask {
  readonly directory: string;
  /** The checkout. */
  readonly context: string;
  /** An OCI layout with every image that the Dockerfile names: nothing is fetched from a registry. */
  readonly images: string;
  readonly named: readonly NamedImage[];
  /** Where the built image is put, as an OCI layout. */
  readonly output: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** Throws a ConfigurationError when a builder cannot be used on this machine. */
export async function checkBuilder(builder: BuilderName, env: NodeJS.ProcessEnv): Promise<void> {
  const cure = 'Install it on the runner, or leave the input builder out.';
  if (builder === 'buildx') {
    if (await isInstalled('docker', env)) return;
    throw new ConfigurationError('no-builder', `builder: buildx needs docker and its plugin buildx. ${cure}`);
  }
  const isRoot = process.getuid?.() === 0;
  if (isRoot && (await isInstalled('buildah', env)) && (await isInstalled('unshare', env))) return;
  throw new ConfigurationError('no-builder', `builder: buildah needs root, buildah and unshare. ${cure}`);
}

/** Runs a builder to its end. What it prints is shown; it sees neither the network nor anything secret of the job. */
export function runBuilder(builder: BuilderName, task: BuilderTask): Promise<void> {
  return builder === 'buildx' ? runBuildx(task) : runBuildah(task);
}

/**
 * Builds in a storage of its own. The images are given the names that FROM uses, so that none of them is looked for.
 *
 * https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md
 */
async function runBuildah({ directory, context, images, named, output, env, log }: BuilderTask): Promise<void> {
  const run = cleanRunner(env, directory);
  const storage = ['--root', join(directory, 'root'), '--runroot', join(directory, 'runroot')];
  const buildah = (...args: string[]): Promise<string> =>
    mustRun(run, 'buildah', [...storage, ...args], 'leave the input builder out');
  try {
    for (const { reference, name } of named) {
      const id = lastLine(await buildah('pull', '--quiet', `oci:${images}:${name}`));
      await buildah('tag', id, reference);
    }
    const isolation = await chooseIsolation(run);
    const args = ['bud', '--isolation', 'chroot', '--pull=never', '--format', 'oci', '--layers=false', '--tag', RESULT];
    const command = ['buildah', ...storage, ...args, '--file', join(context, 'Dockerfile'), context];
    finish(await run('unshare', [...isolation, ...command]), 'buildah', log);
    await buildah('push', '--quiet', RESULT, `oci:${output}:image`);
  } finally {
    await run('buildah', [...storage, 'rm', '--all']);
    await run('buildah', [...storage, 'rmi', '--all', '--force']);
  }
}

const RESULT = 'localhost/slipway/built:image';

/** What docker's client needs to find its engine and its builder; where credentials are is not asked for. */
const DOCKER_VARIABLES = ['HOME', 'DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'BUILDX_BUILDER', 'BUILDX_CONFIG'];

/**
 * Builds with docker's plugin. The images of FROM are named as further contexts, which it takes before it asks a registry.
 *
 * https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
 */
async function runBuildx({ directory, context, images, named, output, env, log }: BuilderTask): Promise<void> {
  const kept = DOCKER_VARIABLES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  const run = cleanRunner(env, directory, Object.fromEntries(kept));
  const contexts = named.flatMap(({ reference, name }) => [
    '--build-context',
    `${reference}=oci-layout://${join(directory, images)}:${name}`,
  ]);
  const args = ['--file', join(context, 'Dockerfile'), '--network', 'none', '--provenance=false', '--sbom=false'];
  const dest = ['--output', `type=oci,dest=${join(directory, output)},tar=false`];
  const command = ['buildx', 'build', '--progress', 'plain', ...args, ...contexts, ...dest, context];
  finish(await run('docker', command), 'docker buildx', log);
}

function finish(result: { readonly exitCode: number; readonly output: string }, name: string, log: Log): void {
  log.info(result.output.trim());
  if (result.exitCode === 0) return;
  throw new ConfigurationError(
    'builder-failed',
    `${name} failed with the exit code ${result.exitCode}; nothing was published. Its last lines:\n${result.output.trim().slice(-2000)}\n` +
      'Correct what it names. It has no network, and only the images that FROM names.',
  );
}
