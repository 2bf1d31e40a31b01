import { type FileRule, START } from '../rule.ts';

export const fileKind: FileRule = {
  id: 'file-kind',
  level: 'error',
  description:
    'A plugin’s file is a regular file directly in the directory of the plugins, no symlink and in no sub-directory.',
  judges: 'file',
  *judge(file, { configuration }) {
    if (!file.touched || file.place.kind === 'other') return;
    const place = { file: file.path, position: START };
    const { directory } = configuration.plugins;
    const { mode } = file.source;
    if (mode === '120000') {
      yield { ...place, message: 'This is a symlink.', fix: 'Put a copy of the file it points to in its place.' };
    }
    if (mode === '160000') {
      yield { ...place, message: 'This is a submodule, not a file.', fix: 'Remove it and add a regular file.' };
    }
    if (file.place.kind === 'nested') {
      const name = file.path.slice(file.path.lastIndexOf('/') + 1);
      yield {
        ...place,
        message: `This is in a sub-directory of ${directory}.`,
        fix: `Move it to ${directory}/${name}.`,
      };
    }
  },
};
