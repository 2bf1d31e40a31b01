import { NAME_RULE, toPluginName } from '../plugin-path.ts';
import { quote } from '../quote.ts';
import { type FileRule, START } from '../rule.ts';

export const fileName: FileRule = {
  id: 'file-name',
  level: 'error',
  description: 'A plugin’s file is called `<plugin>.yaml`, in lower-case letters, digits and hyphens.',
  judges: 'file',
  *judge(file, { configuration }) {
    const { place } = file;
    if (!file.touched || place.kind !== 'misnamed') return;
    const stem = place.name.replace(/\.ya?ml$/i, '');
    const better = toPluginName(stem);
    const message =
      better === stem ? `${quote(place.name)} does not end in '.yaml'` : `${quote(stem)} is no name of a plugin`;
    const fix = better === undefined ? 'Rename it' : `Rename it to ${configuration.plugins.directory}/${better}.yaml`;
    yield { file: file.path, position: START, message: `${message}.`, fix: `${fix}: a name is ${NAME_RULE}.` };
  },
};
