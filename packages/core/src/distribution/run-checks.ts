import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dockerfile, Step } from '../dockerfile/dockerfile.ts';
import { ConfigurationError } from '../errors.ts';
import type { Log } from '../util/log.ts';
import { formatDuration } from '../util/units.ts';
import { openBuildah } from './buildah.ts';
import { type CheckTool, cleanRunner, isInstalled } from './check-tool.ts';
import { applySteps, type ContainerSettings } from './container-settings.ts';
import { envOf, type ImageConfig } from './image-config.ts';
import { type LayoutLayer, writeOciLayout } from './oci-layout.ts';
import { openPodman } from './podman.ts';
import { removeTemporaryDirectory } from './temporary-directory.ts';

/** A layer that an engine is given. */
export interface CheckedBlob extends LayoutLayer {
  readonly diffId: string;
}

/** One platform of a finished image that no tag shows yet. */
export interface CheckedImage {
  readonly base: ImageConfig;
  /** Everything but packages, the lowest first. */
  readonly layers: readonly CheckedBlob[];
  /**
   * The packages by distribution, as directories of this machine that each check can read. As layers of the image an engine
   * would copy, unpack and measure all of them first, which takes a hundred times as long as most checks.
   */
  readonly packages: ReadonlyMap<string, string>;
}

export interface CheckOptions {
  /** A directory for what the checks need; removed afterwards. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** Where the image is for the tool, below the directory of the checks. */
const LAYOUT = 'layout';

type RunStep = Extract<Step, { kind: 'run' }>;

/**
 * Runs a Dockerfile's RUN lines as checks inside the finished image, with buildah or podman: without network, without
 * the job's environment, with the variables, directory and user that the Dockerfile has set by then. Throws a
 * ConfigurationError for a check that fails, and for one that changes a file: what it does would be lost.
 */
export async function runChecks(dockerfile: Dockerfile, image: CheckedImage, options: CheckOptions): Promise<void> {
  const checks = dockerfile.steps.filter((step): step is RunStep => step.kind === 'run');
  if (checks.length === 0) return;
  const { directory, log } = options;
  await mkdir(directory, { recursive: true });
  const tool = await openTool(options);
  try {
    const images = checks.map((step, index) => ({
      name: `check-${index}`,
      config: encodeConfig(
        image,
        applySteps(image.base, dockerfile.steps.slice(0, dockerfile.steps.indexOf(step))),
        step.args,
      ),
      layers: image.layers,
    }));
    await writeOciLayout(join(directory, LAYOUT), images);
    const mounts = [...image.packages].map(([name, source]) => ({ source, target: `/packages/${name}` }));
    for (const [index, step] of checks.entries()) {
      const started = Date.now();
      const place = `${dockerfile.file}:${step.line}: ${step.text}`;
      const { exitCode, output, changed } = await tool.run(`check-${index}`, step.command, mounts);
      log.info(`${place}\n${output.trim()}`);
      if (exitCode !== 0) throw failedCheck(place, exitCode, output);
      if (changed.length > 0) throw changingCheck(place, changed);
      log.info(`passed in ${formatDuration(Date.now() - started)}, with ${tool.name}`);
    }
  } finally {
    await tool.close();
    await removeTemporaryDirectory(directory);
  }
}

async function openTool({ directory, env }: CheckOptions): Promise<CheckTool> {
  const run = cleanRunner(env, directory);
  const storage = join(directory, 'storage');
  const isRoot = process.getuid?.() === 0;
  if (isRoot && (await isInstalled('buildah', env)) && (await isInstalled('unshare', env))) {
    return openBuildah(run, LAYOUT, storage);
  }
  if (await isInstalled('podman', env)) return openPodman(run, LAYOUT, storage);
  throw new ConfigurationError(
    'no-check-tool',
    `The Dockerfile's RUN lines are checks, and this runner has nothing to run them with. Install podman${isRoot ? ', or buildah and unshare' : ''}, ` +
      'or give the input checks: off, which publishes packages that nobody has checked.',
  );
}

/** The configuration as it was when the RUN line was reached; an entrypoint would swallow the command. */
function encodeConfig({ base, layers }: CheckedImage, settings: ContainerSettings, args: RunStep['args']): Buffer {
  const { Entrypoint: _entrypoint, Cmd: _command, ...others } = settings;
  const env = new Map([...args, ...envOf({ ...base, config: settings })]);
  const Env = [...env].map(([name, value]) => `${name}=${value}`);
  const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
  const config = { ...base.platform, config: { ...others, Env }, rootfs };
  return Buffer.from(JSON.stringify(config));
}

/** Says whether an error is what a check came to, and not what kept it from being run. */
export function isVerdict({ code }: ConfigurationError): boolean {
  return code === 'check-failed' || code === 'check-changes-files';
}

function failedCheck(place: string, exitCode: number, output: string): ConfigurationError {
  const cure = /read-only file system/i.test(output)
    ? 'A check can read the packages, and not change them: correct the check, or put what it does into a base image of your own.'
    : 'Correct the packages it names, and push again.';
  return new ConfigurationError(
    'check-failed',
    `${place} failed with the exit code ${exitCode}; nothing was published. Its last lines:\n${output.trim().slice(-2000)}\n${cure}`,
  );
}

function changingCheck(place: string, changed: readonly string[]): ConfigurationError {
  const shown = changed.slice(0, 5).map((path) => `/${path}`);
  const more = changed.length > shown.length ? ` and ${changed.length - shown.length} more` : '';
  return new ConfigurationError(
    'check-changes-files',
    `${place} changes files (${shown.join(', ')}${more}), and RUN lines are run as checks only: what they write is not in the image. ` +
      'Put what it does into a base image of your own, and name that one with FROM.',
  );
}
