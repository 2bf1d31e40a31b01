import { isRegular } from '../../github/repository-files.ts';
import { formatBytes } from '../../util/units.ts';
import { SIZE_LIMIT } from '../plugin-file.ts';
import { type FileRule, START } from '../rule.ts';

export const fileSize: FileRule = {
  id: 'file-size',
  level: 'error',
  description: 'A plugin’s file has at most 1 MiB.',
  judges: 'file',
  *judge(file) {
    const { size } = file.source;
    if (!file.touched || file.plugin === undefined || !isRegular(file.source) || size <= SIZE_LIMIT) return;
    yield {
      file: file.path,
      position: START,
      message: `The file has ${formatBytes(size)}, and more than 1 MiB is not read.`,
      fix: 'Remove what does not describe the plugin; large content belongs into its image.',
    };
  },
};
