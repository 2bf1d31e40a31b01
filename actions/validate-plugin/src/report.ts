import type { Runtime } from '@slipway/core/action/action';
import type { Finding } from '@slipway/core/plugin/finding';
import type { Plugin } from '@slipway/core/plugin/plugin';
import { pullRequestImages } from '@slipway/core/plugin/rules/pull-request-images';

/**
 * Shows findings on their lines and in the log, and puts them with the plan into the summary.
 *
 * Those of the pull request and of the files in `changed` come first as annotations: GitHub shows ten errors and ten
 * warnings of a step. https://docs.github.com/rest/checks/runs
 */
export function report(
  findings: readonly Finding[],
  plugins: readonly Plugin[],
  changed: ReadonlySet<string>,
  { summary, ...runtime }: Runtime,
): void {
  const isOwn = ({ file }: Finding): boolean => file === '' || changed.has(file);
  const ownFirst = findings.toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)));
  for (const { file, line, column, rule, severity, message, fix } of ownFirst) {
    const place = file === '' ? {} : { file, line, column };
    runtime.annotate({ severity, title: rule, message: `${message} ${fix}`, ...place });
  }
  const errors = count(findings, 'error');
  summary.heading(errors === 0 ? 'The plugins are valid' : 'The plugins are not valid');
  summary.paragraph(describeCounts(findings));
  if (findings.length > 0) {
    summary.table(
      ['', 'where', 'rule', 'what is wrong', 'what to do'],
      findings.map((finding) => [
        finding.severity,
        formatPlace(finding),
        `\`${finding.rule}\``,
        finding.message,
        finding.fix,
      ]),
    );
  }
  if (plugins.length > 0) {
    summary.heading('To be released', 3);
    summary.table(
      ['plugin', 'version', 'image', 'from'],
      plugins.flatMap(({ plugin, version, images }) =>
        images.map(({ source, target }) => [plugin, version, `\`${target}\``, `\`${source}\``]),
      ),
    );
  }
}

function formatPlace({ file, line, rule }: Finding): string {
  if (file !== '') return `\`${file}:${line}\``;
  return rule === pullRequestImages.id ? `list of images, line ${line}` : `pull request, line ${line}`;
}

/** Says how many findings there are, `2 errors and 1 warning`. */
export function describeCounts(findings: readonly Finding[]): string {
  const counts = (['error', 'warning'] as const).map((severity) => {
    const number = count(findings, severity);
    return `${number} ${severity}${number === 1 ? '' : 's'}`;
  });
  return counts.join(' and ');
}

function count(findings: readonly Finding[], severity: Finding['severity']): number {
  return findings.filter((finding) => finding.severity === severity).length;
}
