import type { Rule } from '../plugin/rule.ts';
import { PLUGIN_RULES } from '../plugin/rules.ts';
import { onlyPluginFiles } from './rules/only-plugin-files.ts';
import { pullRequestCc } from './rules/pull-request-cc.ts';
import { pullRequestKind } from './rules/pull-request-kind.ts';
import { pullRequestQueue } from './rules/pull-request-queue.ts';
import { pullRequestReleaseNote } from './rules/pull-request-release-note.ts';
import { pullRequestTeam } from './rules/pull-request-team.ts';

/** All rules, in the order of the documentation. */
export const RULES: readonly Rule[] = [
  onlyPluginFiles,
  ...PLUGIN_RULES,
  pullRequestReleaseNote,
  pullRequestKind,
  pullRequestQueue,
  pullRequestCc,
  pullRequestTeam,
];
