import { ActionError, ConfigurationError } from '../errors.ts';
import type { GitHub } from '../github/connect.ts';
import { type RequiredCheck, readProtection } from '../github/protection.ts';
import type { Runtime } from './action.ts';

/**
 * Warns when a branch does not require a check, or takes it from anybody: what the check says then keeps nobody from
 * merging. Nothing fails for it, and nothing is said where the token may not see the rules.
 */
export async function warnUnlessRequired(
  github: GitHub,
  repository: string,
  wanted: WantedCheck,
  runtime: Runtime,
): Promise<void> {
  const message = await findHole(github, repository, wanted).catch((error: unknown) => {
    if (error instanceof ActionError || error instanceof ConfigurationError) return undefined;
    throw error;
  });
  if (message !== undefined) runtime.annotate({ severity: 'warning', title: 'required check', message });
}

/** A check that a branch should require. */
export interface WantedCheck {
  readonly branch: string;
  readonly check: string;
  /** Id of the App that writes it, or its client id; undefined when that is not known or there is none. */
  readonly appId?: string | undefined;
}

/** As whom every job of every workflow writes; https://docs.github.com/actions. */
const ACTIONS_APP = 15_368;

/**
 * Says of required checks of one name whose word they take: that of the App which writes it, of somebody else, so that
 * nothing can be merged, of any workflow, or of anybody.
 */
export function judgeSource(
  required: readonly Pick<RequiredCheck, 'app'>[],
  appId: string | undefined,
): 'ours' | 'other' | 'workflows' | 'anybody' {
  const apps = required.flatMap(({ app }) => app ?? []);
  const own = appId !== undefined && /^[0-9]+$/.test(appId) ? Number(appId) : undefined;
  const isOther = (app: number): boolean =>
    own === undefined ? appId !== undefined && app === ACTIONS_APP : app !== own;
  if (apps.some(isOther)) return 'other';
  if (apps.some((app) => app !== ACTIONS_APP)) return 'ours';
  return apps.length > 0 ? 'workflows' : 'anybody';
}

const WHERE = 'Settings → Rules → Rulesets';

async function findHole(
  github: GitHub,
  repository: string,
  { branch, check, appId }: WantedCheck,
): Promise<string | undefined> {
  const { checks } = await readProtection(github, repository, branch);
  const required = checks.filter(({ name }) => name === check);
  if (required.length === 0) {
    return `'${check}' is not required for '${branch}': whatever it says, anybody who can write may merge. Require it in ${WHERE}, from your App.`;
  }
  const cure = `Choose your App as its source in ${WHERE}.`;
  switch (judgeSource(required, appId)) {
    case 'ours':
      return undefined;
    case 'other':
      return `'${check}' is required for '${branch}' from another App than ${appId ?? 'yours'}, which writes it: nothing can be merged. ${cure}`;
    case 'workflows':
      return `'${check}' is required for '${branch}' from GitHub Actions: every workflow of this repository can write that. ${cure}`;
    case 'anybody':
      return `'${check}' is required for '${branch}' from any source: a workflow of this repository could write it as well. ${cure}`;
  }
}
