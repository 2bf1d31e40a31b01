import type { GitHub } from './connect.ts';
import { AnswerReader, type JsonObject } from './json-shape.ts';
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

/** Marks the runs that are ours: others may write one of the same name, even with the same app. */
const EXTERNAL_ID = 'slipway';

/**
 * Writes the result of a check on a commit; returns whether that changed anything. When the last run of that name is ours
 * and says the same already, nothing is written.
 */
export async function writeCheckRun(github: GitHub, repository: string, run: CheckRun): Promise<boolean> {
  const purpose = { what: `the check '${run.name}' on ${run.headSha} of ${repository}`, permission: 'checks: write' };
  const { name, headSha: head_sha, conclusion, title } = run;
  const output = { title, summary: cut(run.summary) };
  const last = await readLastRun(github, repository, run);
  const said = last?.['output'] as JsonObject | undefined;
  const isOurs = last?.['external_id'] === EXTERNAL_ID;
  if (isOurs && last['conclusion'] === conclusion && said?.['title'] === title && said['summary'] === output.summary) {
    return false;
  }
  const result = { external_id: EXTERNAL_ID, status: 'completed', conclusion, output };
  const body = { ...splitRepository(repository), name, head_sha, ...result };
  await github.send('POST', '/repos/{owner}/{repo}/check-runs', body, purpose);
  return true;
}

async function readLastRun(
  github: GitHub,
  repository: string,
  { name, headSha }: CheckRun,
): Promise<JsonObject | undefined> {
  const purpose = { what: `the checks on ${headSha} of ${repository}`, permission: 'checks: read' };
  const read = new AnswerReader(purpose.what);
  const parameters = { ...splitRepository(repository), ref: headSha, check_name: name, per_page: 100 };
  const answer = read.object(
    await github.get('/repos/{owner}/{repo}/commits/{ref}/check-runs', parameters, purpose),
    'checks',
  );
  // Ids grow, and GitHub promises no order over the apps.
  return read
    .list(answer['check_runs'], 'check_runs')
    .map((value) => read.object(value, 'check run'))
    .reduce<JsonObject | undefined>((last, run) => (idOf(run) > idOf(last) ? run : last), undefined);

  function idOf(run: JsonObject | undefined): number {
    return run === undefined ? 0 : read.integer(run['id'], 'id');
  }
}

function cut(summary: string): string {
  if (Buffer.byteLength(summary) <= SUMMARY_LIMIT) return summary;
  const kept = Buffer.from(summary).subarray(0, SUMMARY_LIMIT).toString('utf8');
  return `${kept.slice(0, kept.lastIndexOf('\n'))}\n\n… cut: the job's summary holds everything.\n`;
}
