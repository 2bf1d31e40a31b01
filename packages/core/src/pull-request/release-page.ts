import type { Plugin } from '../plugin/plugin.ts';
import type { ReleaseRecord } from './release-record.ts';
import { showText } from './shown-text.ts';

/** Returns what people read of a record where the check is shown. */
export function describeRelease(record: ReleaseRecord): { readonly title: string; readonly summary: string } {
  const { state, plugins, packages, by, approvedBy, reason, problem } = record;
  const names = plugins.map(({ plugin, version }) => `${plugin} ${version}`).join(', ');
  const title = {
    intent: `Releasing ${names}`,
    done: `Released ${names}`,
    failed: `Not released: ${packages.length} of ${plugins.length} packages are uploaded`,
  }[state];
  const lines = [
    `Asked for by ${showText(by)}, approved by ${approvedBy.map(showText).join(', ')}.`,
    ...(reason === undefined ? [] : [`Reason: ${showText(reason)}`]),
    ...(problem === undefined ? [] : [`What happened: ${showText(problem)}`]),
    formatBinding(plugins),
  ];
  return { title: shorten(title), summary: `${lines.join('\n\n')}\n` };
}

/** Returns the plugins and what they bind as a table in Markdown. */
export function formatBinding(plugins: readonly Plugin[]): string {
  const rows = plugins.flatMap(({ plugin, version, blob, images }) =>
    images.map(({ source, digest }) => {
      const cells = [`${plugin} ${version}`, blob.slice(0, 12), source, shortDigest(digest)];
      return `| ${cells.map(showText).join(' | ')} |`;
    }),
  );
  return ['| plugin | file | image | digest |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function shortDigest(digest: string | undefined): string {
  return digest === undefined ? 'unknown' : digest.slice(0, 'sha256:'.length + 12);
}

/** GitHub shows 255 characters of a title. */
function shorten(title: string): string {
  return title.length <= 200 ? title : `${title.slice(0, 199)}…`;
}
