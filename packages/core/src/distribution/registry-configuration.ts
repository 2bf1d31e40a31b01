import { ConfigurationError } from '../errors.ts';
import { parseYaml, YamlError } from '../util/yaml-document.ts';

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
    throw new ConfigurationError('registry-configuration', `${file}:${line}:${column}: ${error.message}.`, {
      cause: error,
    });
  }
}
