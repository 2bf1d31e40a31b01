import { openGitHub } from '@slipway/core/action/github-access';
import { ConfigurationError, messageOf } from '@slipway/core/errors';
import { readLastBaseChange } from '@slipway/core/github/base-changes';
import type { GitHub } from '@slipway/core/github/connect';
import { isTeamMember, readPermission } from '@slipway/core/github/permissions';
import { listReviews } from '@slipway/core/github/reviews';
import { findApprovals } from '@slipway/core/pull-request/approval';
import type { Base, Context } from './context.ts';

/** The account that stands for all that were deleted: two of its doings need not be the same person's. */
const NOBODY = 'ghost';

/** What decides about a pull request's people. */
interface Subject {
  readonly number: number;
  readonly author: string;
  readonly base: Base;
}

/** Who may command and who may approve in one pull request; each question is asked of GitHub once. */
export class Authority {
  /** What could not be found out, and therefore counts as no. */
  readonly doubts: string[] = [];
  readonly #context: Context;
  readonly #subject: Subject;
  readonly #standings = new Map<string, Promise<boolean>>();
  #members: Promise<GitHub> | undefined;

  constructor(context: Context, subject: Subject) {
    this.#context = context;
    this.#subject = subject;
  }

  /** Says whether somebody may command: the author, an owner, or a member of the release team. */
  mayCommand(login: string): Promise<boolean> {
    const name = login.toLowerCase();
    const known = this.#standings.get(name) ?? this.#judge(name);
    this.#standings.set(name, known);
    return known;
  }

  async #judge(name: string): Promise<boolean> {
    const { author, base } = this.#subject;
    if (name === NOBODY) return false;
    if (name === author.toLowerCase() || base.owners?.includes(name)) return true;
    const { team } = base.configuration.plugins;
    return team !== undefined && (await this.#isInTeam(team, name));
  }

  /** A token that may not ask makes nobody a member, but must not keep authors and owners from commanding. */
  async #isInTeam(team: string, name: string): Promise<boolean> {
    const { inputs, runtime, repository } = this.#context;
    try {
      this.#members ??= openGitHub(repository, { members: 'read' }, inputs, runtime).then(({ github }) => github);
      return await isTeamMember(await this.#members, team, name);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      runtime.log.warning(messageOf(error));
      const doubt = `nobody can tell who is in ${team}: that takes a GitHub App with the permission 'members: read'`;
      if (!this.doubts.includes(doubt)) this.doubts.push(doubt);
      return false;
    }
  }

  /** Says who may command, for those who may not. */
  describe(): string {
    const { base } = this.#subject;
    const { team } = base.configuration.plugins;
    const groups = [
      'the author of the pull request',
      ...(base.owners === undefined ? [] : ['an approver in OWNERS']),
      ...(team === undefined ? [] : [`a member of ${team}`]),
    ];
    return `${groups.join(', or ')}${this.doubts.map((doubt) => ` (${doubt})`).join('')}`;
  }

  /** Returns whose approval of `commit` counts, and what to do when there is none. */
  async findApprovals(commit: string): Promise<{ readonly approvedBy: readonly string[]; readonly missing: string }> {
    const { github, repository } = this.#context;
    const { number, author, base } = this.#subject;
    // The reviews first: an approval that is given in between is of the base that was changed before it.
    const reviews = await listReviews(github, repository, number);
    const rebasedAt = await readLastBaseChange(github, repository, number);
    const { approvedBy, approvedBefore, approvedElsewhere } = findApprovals(reviews, commit, author, rebasedAt);
    const counting: string[] = [];
    for (const login of approvedBy) {
      if (await this.#mayApprove(login)) counting.push(login);
    }
    const who =
      base.owners === undefined
        ? 'somebody with write permission'
        : `an approver in OWNERS (${base.ownersProblem ?? (base.owners.join(', ') || 'it names none')})`;
    const others =
      approvedBy.length > counting.length ? ` ${approvedBy.join(', ')} approved it, which does not count.` : '';
    const before =
      approvedBefore.length > 0
        ? ` ${approvedBefore.join(', ')} approved another commit: ask for the review of this one.`
        : '';
    const elsewhere =
      approvedElsewhere.length > 0
        ? ` ${approvedElsewhere.join(', ')} approved it before it was pointed at another base branch, against which it may ` +
          'change other files: ask for the review again.'
        : '';
    return {
      approvedBy: counting,
      missing: `The commit ${commit} has no approving review by ${who}, other than the author.${others}${before}${elsewhere}`,
    };
  }

  async #mayApprove(login: string): Promise<boolean> {
    if (login.toLowerCase() === NOBODY) return false;
    const { owners } = this.#subject.base;
    if (owners !== undefined) return owners.includes(login.toLowerCase());
    return mayWrite(this.#context, login);
  }
}

/** Says whether somebody may write to the repository. */
export async function mayWrite({ github, repository }: Context, login: string): Promise<boolean> {
  const permission = await readPermission(github, repository, login);
  return permission === 'admin' || permission === 'write';
}
