import type { Runtime } from '@slipway/core/action/action';
import type { Finding } from '@slipway/core/plugin/finding';
import type { Plugin } from '@slipway/core/plugin/plugin';

/** Shows findings on their lines and in the log, and puts them with the plan into the summary. */
export function report(
  findings: readonly Finding[],
  plugins: readonly Plugin[],
  { summary, ...runtime }: Runtime,
): void {
  for (const { file, line, column, rule, severity, message, fix } of findings) {
    const place = file === '' ? {} : { file, line, column };
    runtime.annotate({ severity, title: rule, message: `${message} ${fix}`, ...place });
  }
  const errors = count(findings, 'error');
  summary.heading(errors === 0 ? 'The plugins are valid' : 'The plugins are not valid');
  summary.paragraph(describeCounts(findings));
  if (findings.length > 0) {
    summary.table(
      ['', 'where', 'rule', 'what is wrong', 'what to do'],
      findings.map(({ file, line, rule, severity, message, fix }) => [
        severity,
        file === '' ? `pull request, line ${line}` : `\`${file}:${line}\``,
        `\`${rule}\``,
        message,
        fix,
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
