import { readJsonFile, writeJsonFile } from './json-file.ts';
import type { AccountsRecord, TeamRecord, TeamRole, UserRecord } from './records.ts';

/** Users that have the same id on every GitHub. */
const wellKnown: Readonly<Record<string, number>> = { 'github-actions[bot]': 41_898_282 };

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Users, organisations, apps and teams. Whoever is named anywhere exists: the sandbox has no sign-up. */
export class Accounts {
  readonly #path: string;
  readonly #record: AccountsRecord;
  readonly #timestamp: () => string;

  constructor(path: string, timestamp: () => string) {
    this.#path = path;
    this.#timestamp = timestamp;
    this.#record = readJsonFile<AccountsRecord>(path) ?? { nextId: 1, users: [], teams: [] };
  }

  nextId(): number {
    const id = this.#record.nextId;
    this.#record.nextId += 1;
    this.#save();
    return id;
  }

  find(login: string): UserRecord | undefined {
    return this.#record.users.find((user) => same(user.login, login));
  }

  /** The user of that login, made known if nobody has named it before; `name[bot]` is the user of an app. */
  ensure(login: string, type: UserRecord['type'] = login.endsWith('[bot]') ? 'Bot' : 'User'): UserRecord {
    const known = this.find(login);
    if (known !== undefined) return known;
    const user: UserRecord = { id: wellKnown[login] ?? this.nextId(), login, type, createdAt: this.#timestamp() };
    this.#record.users.push(user);
    this.#save();
    return user;
  }

  team(organization: string, slug: string): TeamRecord | undefined {
    return this.#record.teams.find((team) => same(team.organization, organization) && same(team.slug, slug));
  }

  /** Sets who is in a team; the team and its members come into being with it. `parent` is the slug of the team it is in. */
  setTeam(organization: string, slug: string, members: Readonly<Record<string, TeamRole>>, parent?: string): void {
    this.ensure(organization, 'Organization');
    for (const login of Object.keys(members)) this.ensure(login);
    let team = this.team(organization, slug);
    if (team === undefined) {
      team = { organization, slug, members: {} };
      this.#record.teams.push(team);
    }
    team.members = { ...members };
    if (parent !== undefined) team.parent = parent;
    this.#save();
  }

  /**
   * Returns who is in a team, with their roles: its own people, and those of the teams in it as plain members. Somebody
   * who was invited and has not answered is `pending`.
   *
   * @see https://docs.github.com/en/rest/teams/members
   */
  teamMembers(team: TeamRecord): ReadonlyMap<string, TeamRole> {
    const members = new Map<string, TeamRole>();
    for (const child of this.#teamsIn(team)) {
      for (const [login, role] of this.teamMembers(child)) {
        if (role !== 'pending') members.set(login, 'member');
      }
    }
    for (const [login, role] of Object.entries(team.members)) {
      if (role !== 'pending' || !members.has(login)) members.set(login, role);
    }
    return members;
  }

  #teamsIn({ organization, slug }: TeamRecord): TeamRecord[] {
    return this.#record.teams.filter(
      (team) => same(team.organization, organization) && team.parent !== undefined && same(team.parent, slug),
    );
  }

  isOrganizationMember(organization: string, login: string): boolean {
    return this.#record.teams.some(
      (team) =>
        same(team.organization, organization) &&
        Object.entries(team.members).some(([member, role]) => role !== 'pending' && same(member, login)),
    );
  }

  #save(): void {
    writeJsonFile(this.#path, this.#record);
  }
}
