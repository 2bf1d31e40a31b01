import { type Answer, created, listPage, noContent, ok } from '../answer.ts';
import { notFound, unprocessable, validationFailed } from '../api-error.ts';
import type { HostedRepository } from '../hosted-repository.ts';
import { isJsonObject } from '../payload.ts';
import { isPullRequest } from '../pull-request.ts';
import { announcePull } from '../pull-request-events.ts';
import type { IssueRecord, LabelRecord } from '../records.ts';
import { type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { issueLabels, labelShape } from '../shapes/issue-shape.ts';
import { findIssue, issueRead, issueWrite } from './find-issue.ts';

/** What GitHub paints a label with that nobody has described. */
const plainColor = 'ededed';

function listLabels(call: RepositoryCall): Promise<Answer> {
  const { site, repository } = call;
  return listPage(call, repository.record.labels, (label) => labelShape(site, repository, label));
}

function createLabel({ site, repository, payload }: RepositoryCall): Answer {
  const name = payload.string('name');
  if (name.trim() === '') throw validationFailed({ resource: 'Label', field: 'name', code: 'missing_field' });
  const color = payload.optionalString('color') ?? plainColor;
  if (!/^[0-9a-f]{6}$/i.test(color)) throw validationFailed({ resource: 'Label', field: 'color', code: 'invalid' });
  if (repository.label(name) !== undefined) {
    throw validationFailed({ resource: 'Label', field: 'name', code: 'already_exists' });
  }
  const label = addLabel(repository, name, color, payload.optionalString('description') ?? null);
  repository.save();
  return created(labelShape(site, repository, label));
}

function addLabel(repository: HostedRepository, name: string, color: string, description: string | null): LabelRecord {
  const label: LabelRecord = { id: repository.nextId(), name, color, description };
  repository.record.labels.push(label);
  return label;
}

function getLabel({ site, repository, parameter }: RepositoryCall): Answer {
  const label = repository.label(parameter('name'));
  if (label === undefined) throw notFound();
  return ok(labelShape(site, repository, label));
}

/** Reads a list of labels: names, or objects with a name. */
export function labelNames(list: readonly unknown[]): string[] {
  return list.map((item) => {
    const name = isJsonObject(item) ? item['name'] : item;
    if (typeof name !== 'string' || name.trim() === '') throw unprocessable('Invalid request.\n\nA label has no name.');
    return name;
  });
}

/** The labels of these names as the repository writes them; one that is not there yet comes into being. */
export function ensureLabels(repository: HostedRepository, names: readonly string[]): string[] {
  return names.map((name) => (repository.label(name) ?? addLabel(repository, name, plainColor, null)).name);
}

/** GitHub takes `{"labels": […]}` and the bare list. */
function wantedLabels({ repository, payload }: RepositoryCall): string[] {
  const list = Array.isArray(payload.value) ? payload.value : payload.optionalList('labels');
  return ensureLabels(repository, labelNames(list ?? []));
}

async function setLabels(call: RepositoryCall, issue: IssueRecord, labels: readonly string[]): Promise<Answer> {
  const before = issue.labels;
  issue.labels = [...new Set(labels)];
  issue.updatedAt = call.site.timestamp();
  call.repository.save();
  for (const name of issue.labels.filter((label) => !before.includes(label))) {
    await announceLabel(call, 'labeled', issue, name);
  }
  for (const name of before.filter((label) => !issue.labels.includes(label))) {
    await announceLabel(call, 'unlabeled', issue, name);
  }
  return ok(issueLabels(call.site, call.repository, issue));
}

async function announceLabel(
  call: RepositoryCall,
  action: 'labeled' | 'unlabeled',
  issue: IssueRecord,
  name: string,
): Promise<void> {
  const { site, repository } = call;
  const label = repository.label(name);
  // Only those of pull requests: the sandbox has no event for plain issues.
  if (!isPullRequest(issue) || label === undefined) return;
  const more = { label: labelShape(site, repository, label) };
  await announcePull(site, repository, senderOfCall(call), action, issue, more);
}

function listIssueLabels(call: RepositoryCall): Promise<Answer> {
  return listPage(call, issueLabels(call.site, call.repository, findIssue(call)), (label) => label);
}

function addIssueLabels(call: RepositoryCall): Promise<Answer> {
  const issue = findIssue(call);
  return setLabels(call, issue, [...issue.labels, ...wantedLabels(call)]);
}

function setIssueLabels(call: RepositoryCall): Promise<Answer> {
  return setLabels(call, findIssue(call), wantedLabels(call));
}

async function clearIssueLabels(call: RepositoryCall): Promise<Answer> {
  await setLabels(call, findIssue(call), []);
  return noContent;
}

async function removeIssueLabel(call: RepositoryCall): Promise<Answer> {
  const issue = findIssue(call);
  const name = call.parameter('name').toLowerCase();
  const left = issue.labels.filter((label) => label.toLowerCase() !== name);
  if (left.length === issue.labels.length) throw notFound('Label does not exist');
  return setLabels(call, issue, left);
}

export const labelRoutes: readonly Route[] = [
  repositoryRoute('GET', '/labels', issueRead, listLabels),
  repositoryRoute('POST', '/labels', issueWrite, createLabel),
  repositoryRoute('GET', '/labels/{name}', issueRead, getLabel),
  repositoryRoute('GET', '/issues/{issue_number}/labels', issueRead, listIssueLabels),
  repositoryRoute('POST', '/issues/{issue_number}/labels', issueWrite, addIssueLabels),
  repositoryRoute('PUT', '/issues/{issue_number}/labels', issueWrite, setIssueLabels),
  repositoryRoute('DELETE', '/issues/{issue_number}/labels', issueWrite, clearIssueLabels),
  repositoryRoute('DELETE', '/issues/{issue_number}/labels/{name}', issueWrite, removeIssueLabel),
];
