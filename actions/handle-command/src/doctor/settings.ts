import { type Configuration, needAll } from '@slipway/core/configuration/configuration';
import { type Diagnosis, failed, fine, ill } from './diagnosis.ts';
import type { Examined } from './examined.ts';

/** Looks whether the configuration says everything that has no default. */
export function checkSettings({ inputs, configuration, isConfigured, isRelease, isStorage }: Examined): Diagnosis[] {
  const all: Diagnosis[] = [];
  if (isConfigured) all.push(fine('configuration', `${inputs.config} is valid`));
  else {
    const cure = `Copy ${inputs.config} from the example repository, and change the names in it.`;
    all.push(ill('configuration', 'warning', `There is no ${inputs.config}: only the defaults hold.`, cure));
  }
  if (isRelease) {
    all.push(need('settings for releases', configuration, ['plugins.source', 'plugins.target', 'plugins.upload']));
    all.push(need('region of the object store', configuration, ['oss.region']));
    if (configuration.plugins.team === undefined) {
      const cure = 'Add `team: <organisation>/<team>` below `plugins`.';
      const found = 'plugins.team is not configured: only authors and owners may command, and nobody is called.';
      all.push(ill('release team', 'warning', found, cure));
    } else all.push(fine('release team', configuration.plugins.team));
  }
  if (isStorage) {
    const rollout = ['storage.rollout.namespace', 'storage.rollout.deployment'] as const;
    all.push(need('settings for distributions', configuration, ['storage.image', ...rollout]));
  }
  if (!isRelease && !isStorage) {
    const found = `${configuration.plugins.directory}/ has no file, and neither \`plugins\` nor \`storage\` is configured.`;
    const cure = 'Run this in a release repository or in a storage repository, or configure one of them.';
    all.push(ill('kind of repository', 'error', found, cure));
  }
  return all;
}

function need(check: string, configuration: Configuration, settings: Parameters<typeof needAll>[1]): Diagnosis {
  try {
    return fine(check, Object.values(needAll(configuration, settings)).join(', '));
  } catch (error) {
    return failed(check, 'error', error);
  }
}
