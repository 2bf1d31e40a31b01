/** What the server keeps as JSON beside the git repositories. Times are ISO 8601 in UTC with whole seconds. */

export type Role = 'admin' | 'maintain' | 'write' | 'triage' | 'read';
/** `pending`: invited, and not there yet. */
export type TeamRole = 'member' | 'maintainer' | 'pending';

export interface UserRecord {
  readonly id: number;
  readonly login: string;
  readonly type: 'User' | 'Organization' | 'Bot';
  readonly createdAt: string;
}

export interface TeamRecord {
  readonly organization: string;
  readonly slug: string;
  members: Record<string, TeamRole>;
  /** The slug of the team that this one is in. */
  parent?: string;
}

export interface AccountsRecord {
  nextId: number;
  readonly users: UserRecord[];
  readonly teams: TeamRecord[];
}

export interface LabelRecord {
  readonly id: number;
  readonly name: string;
  readonly color: string;
  readonly description: string | null;
}

export interface PullRecord {
  readonly headRepository: string;
  readonly headRef: string;
  headSha: string;
  baseRef: string;
  /** When the base branch was changed to another one, the oldest first. */
  baseChanges?: readonly { readonly from: string; readonly to: string; readonly at: string }[];
  /** The base branch's head when the pull request was last synchronised. */
  baseSha: string;
  draft: boolean;
  maintainerCanModify: boolean;
  mergedAt: string | null;
  mergedBy: string | null;
  mergeCommitSha: string | null;
  /** The last trial merge; `commit` null where the branches conflict. */
  trial: { readonly base: string; readonly head: string; readonly commit: string | null } | null;
  /** Who was asked for a review and has not given one: logins, and slugs of teams. */
  requested?: { readonly users: readonly string[]; readonly teams: readonly string[] };
}

export interface IssueRecord {
  readonly id: number;
  readonly number: number;
  title: string;
  body: string | null;
  readonly user: string;
  state: 'open' | 'closed';
  readonly createdAt: string;
  updatedAt: string;
  closedAt: string | null;
  labels: string[];
  readonly pull: PullRecord | null;
}

export interface CommentRecord {
  readonly id: number;
  readonly issue: number;
  readonly user: string;
  body: string;
  readonly createdAt: string;
  updatedAt: string;
}

export type ReviewState = 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'PENDING' | 'DISMISSED';

export interface ReviewRecord {
  readonly id: number;
  readonly pull: number;
  readonly user: string;
  readonly body: string;
  state: ReviewState;
  readonly commitId: string;
  readonly submittedAt: string | null;
}

export interface CheckRunOutput {
  title: string | null;
  summary: string | null;
  text: string | null;
  annotationsCount: number;
}

export interface CheckRunRecord {
  readonly id: number;
  readonly suite: number;
  readonly app: string;
  readonly headSha: string;
  name: string;
  status: string;
  conclusion: string | null;
  startedAt: string | null;
  completedAt: string | null;
  detailsUrl: string | null;
  externalId: string;
  output: CheckRunOutput;
}

/** What must hold before something is merged into a branch. */
export interface ProtectionRecord {
  /** Where clients find it: a ruleset is for everybody to read, the older branch protection for administrators only. */
  readonly kind: 'ruleset' | 'branch-protection';
  /** Checks that must be green; `appId` null takes one of any app. */
  readonly checks: readonly { readonly context: string; readonly appId: number | null }[];
  /** The head must have everything that the base has. */
  readonly strict: boolean;
  /** Approving reviews that are needed; 0: none. */
  readonly approvals: number;
  /** A push to the head dismisses approvals. */
  readonly dismissStale: boolean;
  /** Logins that none of this holds for: `slipway[bot]`. */
  readonly bypass: readonly string[];
}

export interface EnvironmentRecord {
  readonly id: number;
  readonly name: string;
  readonly createdAt: string;
  /** Patterns of the branches that may deploy to it; null: all. */
  branches: readonly string[] | null;
}

export interface RepositoryRecord {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly path: string;
  private: boolean;
  forkOf: string | null;
  readonly createdAt: string;
  pushedAt: string;
  nextNumber: number;
  nextId: number;
  readonly collaborators: Record<string, Role>;
  labels: LabelRecord[];
  readonly issues: IssueRecord[];
  comments: CommentRecord[];
  readonly reviews: ReviewRecord[];
  readonly checkRuns: CheckRunRecord[];
  /** By branch. */
  readonly protections: Record<string, ProtectionRecord>;
  readonly environments: EnvironmentRecord[];
}
