import type { Log } from '../util/log.ts';
import { info, warning } from './runner-commands.ts';

/**
 * The runner's log.
 *
 * Texts come from pull requests, registries and files; a line that begins with `::` or holds `##[` would be taken for a
 * command to the runner, so such lines are broken up.
 */
export const runnerLog: Log = {
  info: (message) => info(disarm(message)),
  warning: (message) => warning(disarm(message)),
};

/**
 * Returns `message` with nothing in it that the runner would obey.
 *
 * Before it looks for `::`, the runner takes away what .NET calls white space: all that JavaScript does, and U+0085;
 * https://learn.microsoft.com/dotnet/api/system.char.iswhitespace.
 */
export function disarm(message: string): string {
  return message.replaceAll('##[', '# #[').replace(/^([\s\u0085]*):(?=:)/gm, '$1: ');
}
