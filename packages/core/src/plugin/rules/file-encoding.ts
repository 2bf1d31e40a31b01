import type { FileRule } from '../rule.ts';

export const fileEncoding: FileRule = {
  id: 'file-encoding',
  level: 'error',
  description: 'A plugin’s file is UTF-8.',
  judges: 'file',
  *judge(file) {
    if (!file.touched || file.badLine === undefined) return;
    yield {
      file: file.path,
      position: { line: file.badLine, column: 1 },
      message: 'This line is not UTF-8.',
      fix: 'Save the file as UTF-8; an editor that shows it right was told another encoding, such as GBK.',
    };
  },
};
