import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lintWorkflows } from './workflow-lint/actionlint.ts';
import { callsTo, readLibrary } from './workflow-lint/library.ts';
import { mapping, type Workflow } from './workflow-lint/read-workflow.ts';
import { formatProblem } from './workflow-lint/rule.ts';
import { neededPermissions } from './workflow-lint/rules/granted-permissions.ts';
import { RULES } from './workflow-lint/rules.ts';
import { readWorkflowFiles } from './workflow-lint/workflow-files.ts';

const root = join(import.meta.dirname, '..');
const { actions, ours, examples, callers } = readWorkflowFiles(root);
const files = [...ours, ...examples, ...callers];
const library = readLibrary(actions, files);
const workflows = [...library.workflows.values()];
const reusable = workflows.filter(({ kind }) => kind === 'reusable');

/** What the product promises; there may be more. */
const PROMISED = [
  'distribution',
  'distribution-push',
  'distribution-tag',
  'doctor',
  'package-promotion',
  'plugin-pull-request',
  'plugin-release',
  'registry-update',
  'storage-pull-request',
];

const nameOf = (file: string): string => basename(file, '.yml');

/** Those that are parts of others of ours have no page and no caller of their own. */
const isPublic = (workflow: Workflow): boolean =>
  PROMISED.includes(nameOf(workflow.file)) ||
  callsTo(workflow, library).every(({ caller }) => caller.kind !== 'reusable');

describe('the workflow files', () => {
  it('are all found', () => {
    expect(reusable.map(({ file }) => nameOf(file))).toEqual(expect.arrayContaining(PROMISED));
    expect(examples.map(({ file }) => file)).toEqual(
      expect.arrayContaining([
        'examples/release-repository/.github/workflows/pull-request.yml',
        'examples/storage-repository/branches/production/.github/workflows/distribution.yml',
      ]),
    );
  });

  it('are what GitHub understands', async () => {
    expect((await lintWorkflows(files, { actions, workflows: ours })).map(formatProblem)).toEqual([]);
  });

  it.each(Object.entries(RULES))('keep the rule %s', (_, rule) => {
    expect(workflows.flatMap((workflow) => rule(workflow, library)).map(formatProblem)).toEqual([]);
  });
});

describe('the example of the storage repository', () => {
  const folder = 'examples/storage-repository/branches/';
  const branches = Map.groupBy(
    examples.filter(({ file }) => file.startsWith(folder)),
    ({ file }) => file.slice(folder.length).split('/')[0] ?? '',
  );
  const callersOf = (branch: string): (readonly [string, string])[] =>
    (branches.get(branch) ?? []).map(({ file, text }) => [file.slice(folder.length + branch.length), text] as const);

  it.each(['staging', 'production'])('has the same callers on %s as on snapshot', (branch) => {
    expect(callersOf('snapshot')).not.toEqual([]);
    expect(callersOf(branch)).toEqual(callersOf('snapshot'));
  });
});

describe.each(reusable.filter(isPublic).map((workflow) => [nameOf(workflow.file), workflow] as const))(
  '%s',
  (name, workflow) => {
    const page = `docs/workflows/${name}.md`;
    const text = existsSync(join(root, page)) ? readFileSync(join(root, page), 'utf8') : '';
    const call = mapping(workflow.events['workflow_call']);
    const calls = callsTo(workflow, library).map(({ caller }) => caller.file);

    it.each(['inputs', 'secrets', 'outputs'])('names its %s in its page', (kind) => {
      const names = Object.keys(mapping(call[kind]));
      expect(names.filter((declared) => !text.includes(`\`${declared}\``))).toEqual([]);
    });

    it('names its permissions in its page', () => {
      const needed = Object.entries(neededPermissions(workflow)).map(([scope, level]) => `${scope}: ${level}`);
      expect(needed.filter((permission) => !text.includes(`\`${permission}\``))).toEqual([]);
    });

    it('is called by an example, and by a complete caller in its page', () => {
      expect(calls).toContain(page);
      expect(calls.filter((file) => file.startsWith('examples/'))).not.toEqual([]);
    });
  },
);
