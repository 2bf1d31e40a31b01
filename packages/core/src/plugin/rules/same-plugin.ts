import { type FileRule, START } from '../rule.ts';

/** A warning: two that follow each other are two releases; but whoever is second has to grow the version again. */
export const samePlugin: FileRule = {
  id: 'same-plugin',
  level: 'warning',
  description: 'No other open pull request changes the same plugin.',
  judges: 'file',
  *judge(file, { foreignFiles }) {
    if (!file.touched || file.plugin === undefined) return;
    const numbers = foreignFiles.filter(({ path }) => path === file.path).map(({ pullRequest }) => `#${pullRequest}`);
    if (numbers.length === 0) return;
    const [many, verb] = numbers.length > 1 ? ['s', ''] : ['', 's'];
    yield {
      file: file.path,
      position: START,
      message: `Open pull request${many} ${numbers.slice(0, 3).join(', ')} change${verb} ${file.plugin} too.`,
      fix: 'Agree on one of them; whichever is merged second needs a greater version.',
    };
  },
};
