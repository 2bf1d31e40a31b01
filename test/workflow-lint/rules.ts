import type { Rule } from './rule.ts';
import { actionCalls } from './rules/action-calls.ts';
import { caches } from './rules/caches.ts';
import { checkout } from './rules/checkout.ts';
import { conditions } from './rules/conditions.ts';
import { declaredNames } from './rules/declared-names.ts';
import { grantedPermissions } from './rules/granted-permissions.ts';
import { permissions } from './rules/permissions.ts';
import { queues } from './rules/queues.ts';
import { runners } from './rules/runners.ts';
import { scripts } from './rules/scripts.ts';
import { secretGeography } from './rules/secret-geography.ts';
import { secrets } from './rules/secrets.ts';
import { timeouts } from './rules/timeouts.ts';
import { uses } from './rules/uses.ts';
import { workflowCalls } from './rules/workflow-calls.ts';

/** What every workflow of ours keeps to, beyond what actionlint knows. */
export const RULES: Readonly<Record<string, Rule>> = {
  actionCalls,
  caches,
  checkout,
  conditions,
  declaredNames,
  grantedPermissions,
  permissions,
  queues,
  runners,
  scripts,
  secretGeography,
  secrets,
  timeouts,
  uses,
  workflowCalls,
};
