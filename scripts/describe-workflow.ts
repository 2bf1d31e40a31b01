import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, table } from './markdown.ts';

interface Declared {
  readonly description?: string;
  readonly type?: string;
  readonly required?: boolean;
  readonly default?: string | boolean | number;
}

interface WorkflowFile {
  readonly on: {
    readonly workflow_call: {
      readonly inputs?: Readonly<Record<string, Declared>>;
      readonly secrets?: Readonly<Record<string, Declared>>;
      readonly outputs?: Readonly<Record<string, Declared>>;
    };
  };
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly name?: string;
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
}

/** Where the complete caller of each public workflow is: the one that people copy. */
const CALLERS: Readonly<Record<string, string>> = {
  'plugin-pull-request': 'release-repository/.github/workflows/pull-request.yml',
  'plugin-release': 'release-repository/.github/workflows/release.yml',
  'package-promotion': 'storage-repository/.github/workflows/promote.yml',
  distribution: 'storage-repository/branches/production/.github/workflows/distribution.yml',
  'distribution-push': 'storage-repository/branches/production/.github/workflows/distribution.yml',
  'distribution-tag': 'storage-repository/branches/production/.github/workflows/tag.yml',
  'registry-update': 'storage-repository/.github/workflows/update-registry.yml',
  'storage-pull-request': 'storage-repository/.github/workflows/pull-request.yml',
  doctor: 'release-repository/.github/workflows/doctor.yml',
};

/** Returns the generated part of a reusable workflow's page: caller, inputs, secrets, outputs, and what each job may do. */
export function describeWorkflow(root: string, name: string): string {
  const file = `.github/workflows/${name}.yml`;
  const text = readFileSync(join(root, file), 'utf8');
  const { on, jobs } = load(text) as WorkflowFile;
  const { inputs = {}, secrets = {}, outputs = {} } = on.workflow_call;
  const asRow = ([key, { description, type, required = false, default: fallback }]: [string, Declared]): string[] => [
    `\`${key}\`${required ? ' (required)' : ''}`,
    type ?? '',
    describe(description, file, key),
    fallback === undefined || fallback === '' ? '' : `\`${String(fallback)}\``,
  ];
  const withoutType = (row: readonly string[]): string[] => [row[0] ?? '', row[2] ?? ''];
  return [
    ...describeCaller(root, name),
    ...section('Inputs', ['input', 'type', 'what it is', 'default'], Object.entries(inputs).map(asRow)),
    ...section('Secrets', ['secret', 'what it is'], Object.entries(secrets).map(asRow).map(withoutType)),
    ...section('Outputs', ['output', 'what it is'], Object.entries(outputs).map(asRow).map(withoutType)),
    ...section('Permissions', ['job', 'permission', 'what for'], describePermissions(text, jobs)),
  ].join('\n');
}

function describeCaller(root: string, name: string): string[] {
  const caller = CALLERS[name];
  if (caller === undefined) return [];
  const path = `examples/${caller}`;
  const text = readFileSync(join(root, path), 'utf8').trimEnd();
  return ['### A complete caller', '', `[${path}](../../${path})`, '', '```yaml', text, '```', ''];
}

function section(title: string, header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [`### ${title}`, '', table(header, rows), ''];
}

/** The reason of a permission is the comment behind it, which a parser of YAML drops. */
function describePermissions(text: string, jobs: WorkflowFile['jobs']): string[][] {
  const blocks = text.slice(text.indexOf('\njobs:')).split(/^ {2}(?=[a-z][a-z-]*:$)/m);
  return Object.entries(jobs).flatMap(([id, { permissions = {} }]) => {
    const block = blocks.find((each) => each.startsWith(`${id}:`)) ?? '';
    return Object.entries(permissions).map(([permission, level]) => {
      const [, reason = ''] = new RegExp(`^ {6}${permission}: ${level} # (.+)$`, 'm').exec(block) ?? [];
      return [`\`${id}\``, `\`${permission}: ${level}\``, reason];
    });
  });
}
