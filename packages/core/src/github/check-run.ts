import type { GitHub } from './connect.ts';
import { AnswerReader } from './json-shape.ts';
import { splitRepository } from './pull-request.ts';

/** What a check has found out about a commit. */
export interface CheckRun {
  readonly name: string;
  readonly headSha: string;
  readonly conclusion: 'success' | 'failure';
  readonly title: string;
  /** Markdown. */
  readonly summary: string;
}

/** GitHub takes 65,535 bytes; https://docs.github.com/rest/checks/runs#create-a-check-run. */
const SUMMARY_LIMIT = 65_000;

/** GitHub's largest page. */
const PAGE = 100;

/** Marks the runs that are ours: others may write one of the same name, even with the same app. */
const EXTERNAL_ID = 'slipway';

/**
 * Writes the result of a check on a commit; returns whether that changed anything. When the last run of that name is ours
 * and says the same already, nothing is written.
 *
 * Undefined is a success that is not written, because a run of ours is there that is newer than the one with the id
 * `since`: whoever wrote it knew something later, so the success must be found out anew.
 */
export async function writeCheckRun(
  github: GitHub,
  repository: string,
  run: CheckRun,
  since: number = Number.POSITIVE_INFINITY,
): Promise<boolean | undefined> {
  const purpose = { what: `the check '${run.name}' on ${run.headSha} of ${repository}`, permission: 'checks: write' };
  const { name, headSha: head_sha, conclusion, title } = run;
  const output = { title, summary: cut(run.summary) };
  const runs = await listCheckRuns(github, repository, head_sha, name);
  const last = runs[0]?.externalId === EXTERNAL_ID ? runs[0] : undefined;
  if (last?.conclusion === conclusion && last.title === title && last.summary === output.summary) return false;
  if (conclusion === 'success' && (newestOwn(runs)?.id ?? 0) > since) return undefined;
  const result = { external_id: EXTERNAL_ID, status: 'completed', conclusion, output };
  const body = { ...splitRepository(repository), name, head_sha, ...result };
  await github.send('POST', '/repos/{owner}/{repo}/check-runs', body, purpose);
  return true;
}

/** Returns the newest run of that name on a commit that is ours; undefined when there is none. */
export async function findOwnCheckRun(
  github: GitHub,
  repository: string,
  commit: string,
  name: string,
): Promise<StoredCheckRun | undefined> {
  return newestOwn(await listCheckRuns(github, repository, commit, name));
}

function newestOwn(runs: readonly StoredCheckRun[]): StoredCheckRun | undefined {
  return runs.find(({ externalId }) => externalId === EXTERNAL_ID);
}

/** A run of a check as GitHub keeps it. */
export interface StoredCheckRun {
  readonly id: number;
  /** The user of the App that wrote it, `<slug>[bot]`; nobody else can write as that App. */
  readonly author: string;
  /** The App's id and its client id, whichever of them somebody knows it by. */
  readonly appIds: readonly string[];
  readonly externalId: string;
  /** `queued`, `in_progress`, `completed`, … */
  readonly status: string;
  /** Empty until it is completed. */
  readonly conclusion: string;
  readonly title: string;
  readonly summary: string;
  readonly text: string;
}

/**
 * Lists all runs of that name on a commit, whoever wrote them, the newest first: ids grow, and GitHub promises no order
 * over the apps. https://docs.github.com/rest/checks/runs#list-check-runs-for-a-git-reference
 */
export async function listCheckRuns(
  github: GitHub,
  repository: string,
  commit: string,
  name: string,
): Promise<StoredCheckRun[]> {
  const purpose = { what: `the checks on ${commit} of ${repository}`, permission: 'checks: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), ref: commit, check_name: name, filter: 'all', per_page: PAGE };
  const runs: StoredCheckRun[] = [];
  for (let page = 1; ; page += 1) {
    const route = '/repos/{owner}/{repo}/commits/{ref}/check-runs';
    const answer = read.object(await github.get(route, { ...parameters, page }, purpose), 'checks');
    const found = read.list(answer['check_runs'], 'check_runs');
    runs.push(...found.map((value) => parseCheckRun(value, read)));
    if (found.length < PAGE) return runs.sort((a, b) => b.id - a.id);
  }
}

/** What of a run is written; a run that has a conclusion is completed, every other one in progress. */
export interface CheckRunContent {
  readonly externalId: string;
  readonly conclusion: 'success' | 'failure' | undefined;
  readonly title: string;
  /** Markdown. */
  readonly summary: string;
  /** Markdown. */
  readonly text: string;
}

/** Makes a run of a check and returns its id; https://docs.github.com/rest/checks/runs#create-a-check-run. */
export async function createCheckRun(
  github: GitHub,
  repository: string,
  { name, headSha }: Pick<CheckRun, 'name' | 'headSha'>,
  content: CheckRunContent,
): Promise<number> {
  const purpose = { what: `the check '${name}' on ${headSha} of ${repository}`, permission: 'checks: write' };
  const read = new AnswerReader(purpose.what);
  const body = { ...splitRepository(repository), name, head_sha: headSha, ...formatContent(content) };
  const answer = await github.send('POST', '/repos/{owner}/{repo}/check-runs', body, purpose);
  return read.integer(read.object(answer, 'check run')['id'], 'id');
}

/** Changes a run that the same App has made; https://docs.github.com/rest/checks/runs#update-a-check-run. */
export async function updateCheckRun(
  github: GitHub,
  repository: string,
  id: number,
  content: CheckRunContent,
): Promise<void> {
  const purpose = { what: `the check run ${id} of ${repository}`, permission: 'checks: write' };
  const body = { ...splitRepository(repository), check_run_id: id, ...formatContent(content) };
  await github.send('PATCH', '/repos/{owner}/{repo}/check-runs/{check_run_id}', body, purpose);
}

function formatContent({ externalId, conclusion, title, summary, text }: CheckRunContent) {
  const state = conclusion === undefined ? { status: 'in_progress' } : { status: 'completed', conclusion };
  return { external_id: externalId, ...state, output: { title, summary: cut(summary), text } };
}

function parseCheckRun(value: unknown, read: AnswerReader): StoredCheckRun {
  const run = read.object(value, 'check run');
  const app = run['app'] === null ? {} : read.object(run['app'], 'app');
  const output = read.object(run['output'], 'output');
  return {
    id: read.integer(run['id'], 'id'),
    appIds: [app['id'], app['client_id']].flatMap((id) =>
      typeof id === 'number' || typeof id === 'string' ? [`${id}`] : [],
    ),
    author: `${read.optionalText(app['slug'], 'app.slug')}[bot]`,
    externalId: read.optionalText(run['external_id'], 'external_id'),
    status: read.text(run['status'], 'status'),
    conclusion: read.optionalText(run['conclusion'], 'conclusion'),
    title: read.optionalText(output['title'], 'output.title'),
    summary: read.optionalText(output['summary'], 'output.summary'),
    text: read.optionalText(output['text'], 'output.text'),
  };
}

function cut(summary: string): string {
  if (Buffer.byteLength(summary) <= SUMMARY_LIMIT) return summary;
  const kept = Buffer.from(summary).subarray(0, SUMMARY_LIMIT).toString('utf8');
  return `${kept.slice(0, kept.lastIndexOf('\n'))}\n\n… cut: the job's summary holds everything.\n`;
}
