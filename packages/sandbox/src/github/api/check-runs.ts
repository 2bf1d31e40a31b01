import { actionsApp } from '../announce.ts';
import { type Answer, created, ok, paginate } from '../answer.ts';
import { ApiError, notFound, unprocessable, validationFailed } from '../api-error.ts';
import { appOf } from '../authentication.ts';
import { suiteOf } from '../check-suites.ts';
import { isOid, isoSeconds } from '../git/objects.ts';
import type { Payload } from '../payload.ts';
import type { CheckRunOutput, CheckRunRecord } from '../records.ts';
import { actorOf, numberParameter, type RepositoryCall, type Route, repositoryRoute } from '../route.ts';
import { appIdOf } from '../shapes/app-shape.ts';
import { checkRunShape } from '../shapes/check-run-shape.ts';

const statuses = ['queued', 'in_progress', 'completed', 'waiting', 'requested', 'pending'] as const;
const conclusions = [
  'action_required',
  'cancelled',
  'failure',
  'neutral',
  'success',
  'skipped',
  'stale',
  'timed_out',
] as const;

/** @see https://docs.github.com/en/rest/checks/runs#create-a-check-run */
const limits = { text: 65_535, annotations: 50 };

async function createCheckRun(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  const name = payload.string('name');
  const headSha = payload.string('head_sha');
  if (!isOid(headSha) || (await repository.git.info(headSha))?.type !== 'commit') {
    throw unprocessable(`No commit found for SHA: ${headSha}`);
  }
  const app = appOf(actorOf(call));
  const changes = readChanges(call);
  const run: CheckRunRecord = {
    id: repository.nextId(),
    suite: suiteOf(repository, headSha, app),
    app,
    headSha,
    name,
    status: 'queued',
    conclusion: null,
    startedAt: site.timestamp(),
    completedAt: null,
    detailsUrl: null,
    externalId: '',
    output: { title: null, summary: null, text: null, annotationsCount: 0 },
    ...changes,
  };
  repository.record.checkRuns.push(run);
  repository.save();
  return created(checkRunShape(site, repository, run));
}

function updateCheckRun(call: RepositoryCall): Answer {
  const { site, repository } = call;
  const run = findCheckRun(call);
  const app = appOf(actorOf(call));
  if (app !== run.app) {
    const id = appIdOf(site, app);
    const rule = 'check run can only be modified by the GitHub App that created it.';
    throw new ApiError(403, `Invalid app_id \`${id}\` - ${rule}`);
  }
  Object.assign(run, readChanges(call, run));
  repository.save();
  return ok(checkRunShape(site, repository, run));
}

/** Reads the fields that a request may set; a conclusion completes the run, whatever the status says. */
function readChanges({ site, payload }: RepositoryCall, run?: CheckRunRecord): Partial<CheckRunRecord> {
  const status = payload.optionalChoice('status', statuses);
  const conclusion = payload.optionalChoice('conclusion', conclusions);
  const completedAt = readDate(payload, 'completed_at');
  if (status === 'completed' && conclusion === undefined && (run?.conclusion ?? null) === null) {
    throw unprocessable('Invalid request.\n\nA completed check run needs a conclusion.');
  }
  const isDone = conclusion !== undefined || completedAt !== undefined;
  if (completedAt !== undefined && conclusion === undefined && (run?.conclusion ?? null) === null) {
    throw unprocessable('Invalid request.\n\n"conclusion" wasn\'t supplied.');
  }
  const output = payload.optionalObject('output');
  const name = payload.optionalString('name');
  const detailsUrl = payload.optionalString('details_url');
  const externalId = payload.optionalString('external_id');
  const startedAt = readDate(payload, 'started_at');
  return {
    ...(name === undefined ? {} : { name }),
    ...(detailsUrl === undefined ? {} : { detailsUrl }),
    ...(externalId === undefined ? {} : { externalId }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(output === undefined ? {} : { output: readOutput(output, run?.output) }),
    ...(isDone
      ? {
          status: 'completed',
          completedAt: completedAt ?? site.timestamp(),
          ...(conclusion === undefined ? {} : { conclusion }),
        }
      : status === undefined || status === 'completed'
        ? {}
        : { status, conclusion: null, completedAt: null }),
  };
}

function readDate(payload: Payload, name: string): string | undefined {
  const text = payload.optionalString(name);
  if (text === undefined) return undefined;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw unprocessable(`Invalid request.\n\n${text} is not a valid date-time.`);
  return isoSeconds(date);
}

function readOutput(payload: Payload, earlier: CheckRunOutput | undefined): CheckRunOutput {
  const annotations = payload.optionalList('annotations') ?? [];
  if (annotations.length > limits.annotations) {
    throw unprocessable(`Invalid request.\n\nNo more than ${limits.annotations} annotations are allowed.`);
  }
  const text = payload.optionalString('text') ?? earlier?.text ?? null;
  const summary = payload.string('summary');
  for (const [field, value] of Object.entries({ summary, text })) {
    if (Buffer.byteLength(value ?? '') > limits.text) {
      const message = `${field} exceeds a maximum bytesize of ${limits.text}`;
      throw validationFailed({ resource: 'CheckRun', field, code: 'invalid', message });
    }
  }
  const title = payload.optionalString('title') ?? earlier?.title ?? null;
  // Annotations of later requests are added to the earlier ones.
  return { title, summary, text, annotationsCount: (earlier?.annotationsCount ?? 0) + annotations.length };
}

function findCheckRun(call: RepositoryCall): CheckRunRecord {
  const id = numberParameter(call, 'check_run_id');
  const run = call.repository.record.checkRuns.find((each) => each.id === id);
  if (run === undefined) throw notFound();
  return run;
}

function getCheckRun(call: RepositoryCall): Answer {
  return ok(checkRunShape(call.site, call.repository, findCheckRun(call)));
}

async function listCheckRuns(call: RepositoryCall): Promise<Answer> {
  const { site, repository, query } = call;
  const ref = call.parameter('ref');
  const sha = await repository.git.findCommit(ref);
  if (sha === undefined) throw unprocessable(`No commit found for SHA: ${ref}`);
  const matches = (name: string, value: string): boolean => (query.get(name) ?? value) === value;
  const newestFirst = repository.record.checkRuns.filter(({ headSha }) => headSha === sha).reverse();
  const latest = query.get('filter') !== 'all';
  const all = newestFirst
    .filter((run, index) => !latest || newestFirst.findIndex((other) => isSameCheck(run, other)) === index)
    .filter(({ name, status }) => matches('check_name', name) && matches('status', status))
    .filter(({ app }) => matches('app_id', String(appIdOf(site, app))));
  const { items, headers } = paginate(call, all);
  const json = { total_count: all.length, check_runs: items.map((run) => checkRunShape(site, repository, run)) };
  return { status: 200, json, headers };
}

const isSameCheck = (one: CheckRunRecord, other: CheckRunRecord): boolean =>
  // Two workflows may well have jobs of the same name: each run has a suite of its own.
  one.name === other.name && one.app === other.app && (one.app !== actionsApp || one.suite === other.suite);

export const checkRunRoutes: readonly Route[] = [
  repositoryRoute('POST', '/check-runs', ['checks:write'], createCheckRun),
  repositoryRoute('GET', '/check-runs/{check_run_id}', ['checks:read'], getCheckRun),
  repositoryRoute('PATCH', '/check-runs/{check_run_id}', ['checks:write'], updateCheckRun),
  repositoryRoute('GET', '/commits/{ref}/check-runs', ['checks:read'], listCheckRuns),
];
