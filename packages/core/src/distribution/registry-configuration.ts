import { posix } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import { parseYaml, YamlError } from '../util/yaml-document.ts';
import type { ContainerSettings } from './container-settings.ts';

/** Code of the error for a configuration that is no YAML. */
export const INVALID_CONFIGURATION = 'registry-configuration';

/**
 * Returns the directories that a package registry reads its packages from, in their order; undefined for a YAML that is
 * no registry's configuration. Throws a ConfigurationError for what is no YAML.
 *
 * https://github.com/elastic/package-registry#configuration
 */
export function readPackagePaths(source: string, file: string): readonly string[] | undefined {
  try {
    const { value } = parseYaml(source);
    const paths =
      typeof value === 'object' && value !== null && 'package_paths' in value ? value.package_paths : undefined;
    return Array.isArray(paths) && paths.every((path) => typeof path === 'string') ? paths : undefined;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const { line, column } = error.position;
    throw new ConfigurationError(INVALID_CONFIGURATION, `${file}:${line}:${column}: ${error.message}.`, {
      cause: error,
    });
  }
}

/**
 * Returns the absolute path of the configuration that a package registry reads: that of its flag `-config`, which can be
 * given by the variable `EPR_CONFIG`, too, else `config.yml`, seen from the directory it starts in.
 *
 * https://github.com/elastic/package-registry#configuration
 */
export function findConfigurationPath(settings: ContainerSettings): string {
  const [entrypoint, command, env] = ['Entrypoint', 'Cmd', 'Env'].map((name) => textsOf(settings[name]));
  const program = [...(entrypoint ?? []), ...(command ?? [])].join(' ');
  const flag = /(?:^|\s)--?config[= ](\S+)/.exec(program)?.[1];
  const variable = env?.find((line) => line.startsWith('EPR_CONFIG='))?.slice('EPR_CONFIG='.length);
  const workdir = settings['WorkingDir'];
  return posix.resolve('/', typeof workdir === 'string' ? workdir : '', flag ?? variable ?? 'config.yml');
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
