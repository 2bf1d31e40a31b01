import { readJsonFile, writeJsonFile } from './json-file.ts';
import type { AccountsRecord, TeamRecord, TeamRole, UserRecord } from './records.ts';

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
    const user: UserRecord = { id: this.nextId(), login, type, createdAt: this.#timestamp() };
    this.#record.users.push(user);
    this.#save();
    return user;
  }

  team(organization: string, slug: string): TeamRecord | undefined {
    return this.#record.teams.find((team) => same(team.organization, organization) && same(team.slug, slug));
  }

  /** Sets who is in a team; the team and its members come into being with it. */
  setTeam(organization: string, slug: string, members: Readonly<Record<string, TeamRole>>): void {
    this.ensure(organization, 'Organization');
    for (const login of Object.keys(members)) this.ensure(login);
    const known = this.team(organization, slug);
    if (known === undefined) this.#record.teams.push({ organization, slug, members: { ...members } });
    else known.members = { ...members };
    this.#save();
  }

  isOrganizationMember(organization: string, login: string): boolean {
    return this.#record.teams.some(
      (team) =>
        same(team.organization, organization) && Object.keys(team.members).some((member) => same(member, login)),
    );
  }

  #save(): void {
    writeJsonFile(this.#path, this.#record);
  }
}
