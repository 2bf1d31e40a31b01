import { load } from 'js-yaml';
import { announce } from '../announce.ts';
import { type Answer, noContent, ok, paginate } from '../answer.ts';
import { notFound, unprocessable } from '../api-error.ts';
import { isJsonObject, type JsonObject } from '../payload.ts';
import { type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { repositoryPage, repositoryUrl } from '../shapes/repository-shape.ts';
import { workflowId, workflowShape } from '../shapes/workflow-shape.ts';
import { type WorkflowFile, workflowFiles } from '../workflow-files.ts';

/** @see https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event */
const limits = { inputs: 25, clientPayload: 10, eventType: 100 };

/** The workflows that GitHub knows: those of the default branch. */
async function knownWorkflows({ repository: { git } }: RepositoryCall): Promise<WorkflowFile[]> {
  const trunk = await git.branch(await git.defaultBranch());
  return trunk === undefined ? [] : workflowFiles(git, trunk);
}

/** What a workflow is called; one that cannot be read is called by its path. */
function nameOf({ path, text }: WorkflowFile): string {
  try {
    const file: unknown = load(text);
    const name = isJsonObject(file) ? file['name'] : undefined;
    return typeof name === 'string' ? name : path;
  } catch {
    return path;
  }
}

async function listWorkflows(call: RepositoryCall): Promise<Answer> {
  const { site, repository } = call;
  const all = await knownWorkflows(call);
  const { items, headers } = paginate(call, all);
  const workflows = items.map((file) => workflowShape(site, repository, file.path, nameOf(file)));
  return { status: 200, json: { total_count: all.length, workflows }, headers };
}

async function dispatch(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  const wanted = call.parameter('workflow_id');
  const known = (await knownWorkflows(call)).find(
    ({ path }) => path.endsWith(`/${wanted}`) || String(workflowId(repository, path)) === wanted,
  );
  if (known === undefined || site.actions === undefined) throw notFound();
  const inputs = payload.optionalObject('inputs')?.value;
  const given: JsonObject = isJsonObject(inputs) ? inputs : {};
  if (Object.keys(given).length > limits.inputs) {
    throw unprocessable(`you may only define up to ${limits.inputs} \`inputs\` for a \`workflow_dispatch\` event`);
  }
  const request = { path: known.path, ref: payload.string('ref'), inputs: given };
  const run = await site.actions.dispatch(repository, request, senderOfCall(call));
  if (payload.optionalBoolean('return_run_details') !== true) return noContent;
  return ok({
    workflow_run_id: run.id,
    run_url: `${repositoryUrl(site, repository)}/actions/runs/${run.id}`,
    html_url: `${repositoryPage(site, repository)}/actions/runs/${run.id}`,
  });
}

async function dispatchRepository(call: RepositoryCall): Promise<Answer> {
  const { site, repository, payload } = call;
  const type = payload.string('event_type');
  if (type === '' || type.length > limits.eventType)
    throw unprocessable('Invalid request.\n\n"event_type" is too long.');
  const given = payload.optionalObject('client_payload')?.value;
  const clientPayload: JsonObject = isJsonObject(given) ? given : {};
  if (Object.keys(clientPayload).length > limits.clientPayload) {
    throw unprocessable(
      `Invalid request.\n\nNo more than ${limits.clientPayload} properties are allowed; ${Object.keys(clientPayload).length} were supplied.`,
    );
  }
  const branch = await repository.git.defaultBranch();
  await announce(site, repository, senderOfCall(call), { name: 'repository_dispatch', action: type }, () => ({
    branch,
    client_payload: clientPayload,
  }));
  return noContent;
}

export const workflowRoutes: readonly Route[] = [
  repositoryRoute('GET', '/actions/workflows', ['actions:read'], listWorkflows),
  repositoryRoute('POST', '/actions/workflows/{workflow_id}/dispatches', ['actions:write'], dispatch),
  repositoryRoute('POST', '/dispatches', ['contents:write'], dispatchRepository),
];
