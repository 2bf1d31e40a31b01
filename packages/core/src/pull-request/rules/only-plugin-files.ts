import { classifyPath } from '../../plugin/plugin-path.ts';
import { shorten } from '../../plugin/quote.ts';
import { type ChangeRule, START } from '../../plugin/rule.ts';
import { isReleaseRequest, pathsOf } from '../release-request.ts';

export const onlyPluginFiles: ChangeRule = {
  id: 'only-plugin-files',
  level: 'error',
  description:
    'A release pull request, which changes something in the directory of the plugins or says `/kind release`, changes nothing but `<directory>/<plugin>.yaml` files; any other one is only warned about.',
  judges: 'change',
  *judge(subject) {
    const { directory } = subject.configuration.plugins;
    const atMost = isReleaseRequest(subject) ? {} : { atMost: 'warning' as const };
    for (const change of subject.changes) {
      for (const path of pathsOf(change)) {
        const { kind } = classifyPath(path, directory);
        // A misnamed file is judged by its name; taking it away is how that is mended.
        if (kind !== 'other' && kind !== 'outside') continue;
        yield {
          file: path,
          position: START,
          message: `${shorten(path)} is no plugin's file, but this pull request changes it.`,
          fix: `Leave it out: a release changes only ${directory}/<plugin>.yaml; the rest goes into a pull request of its own.`,
          ...atMost,
        };
      }
    }
  },
};
