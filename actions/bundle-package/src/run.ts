import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from '@slipway/core/action/action';
import { loadConfiguration } from '@slipway/core/action/configuration';
import { withPluginPackage } from '@slipway/core/action/plugin-package';
import type { Package } from '@slipway/core/archive/package';
import { writeContent } from '@slipway/core/archive/write-file';
import type { Plugin } from '@slipway/core/plugin/plugin';
import type { PluginPackage } from '@slipway/core/plugin/plugin-package';
import { repeatOnDamage } from '@slipway/core/registry/spool';
import { contentOf } from '@slipway/core/util/content';
import { formatBytes, formatDuration } from '@slipway/core/util/units';
import type { Inputs } from './inputs.ts';

export interface Outputs {
  /** Undefined in a dry run: there is none. */
  readonly package: Package | undefined;
  readonly file: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly plan: Plan;
  readonly changed: boolean;
  readonly [name: string]: unknown;
}

interface Plan {
  readonly file: string;
  readonly size: number;
  readonly archives: PluginPackage['archives'];
}

/** Makes the offline package of a plugin: its images, read from the target registry, and its YAML. */
export async function run(inputs: Inputs, runtime: Runtime): Promise<Outputs> {
  const { plugin } = inputs;
  const configuration = await loadConfiguration(inputs.config, runtime.event, inputs.token);
  return withPluginPackage(plugin, inputs, configuration, runtime, async (made) => {
    const { content } = made;
    const file = join(inputs.output, made.name);
    if (inputs['dry-run']) {
      runtime.log.info(`would write ${file}, ${formatBytes(content.size)}`);
      return report(made, file, '', plugin, false, runtime);
    }
    const before = await readStanding(file);
    const started = Date.now();
    const sha256 = await repeatOnDamage(() => writeContent(file, content));
    const line = `${sha256}  ${made.name}\n`;
    await writeContent(`${file}.sha256`, contentOf(line));
    runtime.log.info(
      `wrote ${file}, ${formatBytes(content.size)} in ${formatDuration(Date.now() - started)}, sha256 ${sha256}`,
    );
    return report(made, file, sha256, plugin, before !== line, runtime);
  });
}

/** Returns what the check sum beside a package says; undefined when one of the two is missing. */
async function readStanding(file: string): Promise<string | undefined> {
  if (!existsSync(file)) return undefined;
  return readFile(`${file}.sha256`, 'utf8').catch(() => undefined);
}

function report(
  made: PluginPackage,
  file: string,
  sha256: string,
  { plugin, version, commit }: Plugin,
  changed: boolean,
  runtime: Runtime,
): Outputs {
  const { archives, images } = made;
  const { size } = made.content;
  runtime.summary.heading(sha256 === '' ? 'Package that would be made' : 'Package');
  runtime.summary.table(
    ['file', 'size', 'sha256'],
    [
      [`\`${file}\``, formatBytes(size), `\`${sha256}\``],
      ...archives.map(({ name, size: bytes }) => [`\`${name}\``, formatBytes(bytes), '']),
    ],
  );
  const written = sha256 === '' ? undefined : { plugin, version, file, sha256, size, commit, images };
  return { package: written, file, sha256, size, plan: { file, size, archives }, changed };
}
