import type { Route } from '../route.ts';
import { checkRunRoutes } from './check-runs.ts';
import { commitRoutes } from './commits.ts';
import { contentRoutes } from './contents.ts';
import { gitObjectRoutes } from './git-objects.ts';
import { issueRoutes } from './issues.ts';
import { labelRoutes } from './labels.ts';
import { peopleRoutes } from './people.ts';
import { pullMergeRoutes } from './pull-merge.ts';
import { pullRoutes } from './pulls.ts';
import { refRoutes } from './refs.ts';
import { repositoryRoutes } from './repositories.ts';
import { reviewRoutes } from './reviews.ts';
import { treeRoutes } from './trees.ts';

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
];
