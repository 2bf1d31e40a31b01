import { shorten } from '../quote.ts';
import { type FileRule, START } from '../rule.ts';

export const fileKind: FileRule = {
  id: 'file-kind',
  level: 'error',
  description:
    'A plugin’s file is a regular file directly in the directory of the plugins, no symlink and in no sub-directory; other files there are warned about when everything is checked.',
  judges: 'file',
  *judge(file, { configuration, changes }) {
    if (!file.touched) return;
    const place = { file: file.path, position: START };
    const { directory } = configuration.plugins;
    const { mode } = file.source;
    if (mode === 'special') {
      yield { ...place, message: 'This is a pipe, a socket or a device, not a file.', fix: 'Remove it.' };
      return;
    }
    if (file.place.kind === 'other') {
      // What is changed is judged by only-plugin-files.
      if (changes.some(({ path }) => path === file.path)) return;
      yield {
        ...place,
        message: "This is no plugin's file: it does not end in '.yaml'.",
        fix: `Move it out of ${directory}, or rename it to ${directory}/<plugin>.yaml if it describes a plugin.`,
        atMost: 'warning',
      };
      return;
    }
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
        fix: `Move it to ${directory}/${shorten(name)}.`,
      };
    }
  },
};
