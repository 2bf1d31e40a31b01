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

/**
 * Writes the result of a check on a commit; returns whether that changed anything. When the last run of that name says
 * the same already, nothing is written.
 */
export async function writeCheckRun(github: GitHub, repository: string, run: CheckRun): Promise<boolean> {
  const purpose = { what: `the check '${run.name}' on ${run.headSha} of ${repository}`, permission: 'checks: write' };
  const { name, headSha: head_sha, conclusion, title } = run;
  const output = { title, summary: cut(run.summary) };
  const last = await readLastRun(github, repository, run);
  const said = last?.['output'] as JsonObject | undefined;
  if (last?.['conclusion'] === conclusion && said?.['title'] === title && said?.['summary'] === output.summary) {
    return false;
  }
  const body = { ...splitRepository(repository), name, head_sha, status: 'completed', conclusion, output };
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
  const parameters = { ...splitRepository(repository), ref: headSha, check_name: name };
  const answer = read.object(
    await github.get('/repos/{owner}/{repo}/commits/{ref}/check-runs', parameters, purpose),
    'checks',
  );
  const [last] = read.list(answer['check_runs'], 'check_runs').map((value) => read.object(value, 'check run'));
  return last;
}

function cut(summary: string): string {
  if (Buffer.byteLength(summary) <= SUMMARY_LIMIT) return summary;
  const kept = Buffer.from(summary).subarray(0, SUMMARY_LIMIT).toString('utf8');
  return `${kept.slice(0, kept.lastIndexOf('\n'))}\n\n… cut: the job's summary holds everything.\n`;
}
