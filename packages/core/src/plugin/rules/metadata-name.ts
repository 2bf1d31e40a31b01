import { quote } from '../quote.ts';
import { type FileRule, positionIn } from '../rule.ts';

export const metadataName: FileRule = {
  id: 'metadata-name',
  level: 'warning',
  description: 'metadata.name is the plugin’s name, which is the file name without `.yaml`.',
  judges: 'file',
  *judge(file) {
    const { name } = file.spec;
    if (!file.touched || file.plugin === undefined || !name?.value || name.value === file.plugin) return;
    yield {
      file: file.path,
      position: positionIn(file, name.pointer),
      message: `metadata.name is ${quote(name.value)}, but the file is called ${file.plugin}.yaml: the plugin's name is '${file.plugin}'.`,
      fix: `Write: name: ${file.plugin}`,
    };
  },
};
