import type { Route } from '../route.ts';
import { appRoutes } from './apps.ts';
import { checkRunRoutes } from './check-runs.ts';
import { commitRoutes } from './commits.ts';
import { contentChangeRoutes } from './content-changes.ts';
import { contentRoutes } from './contents.ts';
import { gitObjectRoutes } from './git-objects.ts';
import { issueRoutes } from './issues.ts';
import { labelRoutes } from './labels.ts';
import { peopleRoutes } from './people.ts';
import { pullMergeRoutes } from './pull-merge.ts';
import { pullRoutes } from './pulls.ts';
import { refRoutes } from './refs.ts';
import { repositoryRoutes } from './repositories.ts';
import { requestedReviewerRoutes } from './requested-reviewers.ts';
import { reviewRoutes } from './reviews.ts';
import { settingsRoutes } from './settings.ts';
import { treeRoutes } from './trees.ts';
import { workflowRunRoutes } from './workflow-runs.ts';
import { workflowRoutes } from './workflows.ts';

/** Every operation of the REST API. */
export const routes: readonly Route[] = [
  ...peopleRoutes,
  ...repositoryRoutes,
  ...refRoutes,
  ...gitObjectRoutes,
  ...treeRoutes,
  ...commitRoutes,
  ...contentRoutes,
  ...pullRoutes,
  ...pullMergeRoutes,
  ...reviewRoutes,
  ...issueRoutes,
  ...labelRoutes,
  ...checkRunRoutes,
  ...contentChangeRoutes,
  ...requestedReviewerRoutes,
  ...settingsRoutes,
  ...workflowRoutes,
  ...workflowRunRoutes,
  ...appRoutes,
];
