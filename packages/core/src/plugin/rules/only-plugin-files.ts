import { classifyPath } from '../plugin-path.ts';
import { type ChangeRule, START } from '../rule.ts';
import { isReleaseRequest } from '../subject.ts';

export const onlyPluginFiles: ChangeRule = {
  id: 'only-plugin-files',
  level: 'error',
  description:
    'A release pull request changes nothing but `<directory>/<plugin>.yaml` files; one that changes nothing in the directory is only warned about.',
  judges: 'change',
  *judge(subject) {
    const { directory } = subject.configuration.plugins;
    const atMost = isReleaseRequest(subject) ? {} : { atMost: 'warning' as const };
    for (const change of subject.changes) {
      const moved = change.status === 'renamed' && change.previousPath !== undefined ? [change.previousPath] : [];
      for (const path of [change.path, ...moved]) {
        const { kind } = classifyPath(path, directory);
        // A misnamed file is judged by its name; taking it away is how that is mended.
        if (kind !== 'other' && kind !== 'outside') continue;
        yield {
          file: path,
          position: START,
          message: `${path} is no plugin's file, but this pull request changes it.`,
          fix: `Leave it out: a release changes only ${directory}/<plugin>.yaml; the rest goes into a pull request of its own.`,
          ...atMost,
        };
      }
    }
  },
};
